using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Tests.Fakes;

namespace Formation.Inference.Cluster.Tests.Identity;

public sealed class WholeFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Path => _folder.File("file");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_replaced_and_nothing_is_left_beside_it()
    {
        WholeFile.Write(Path, "a long first content");
        WholeFile.Write(Path, "second");
        Assert.Equal("second", File.ReadAllText(Path));
        Assert.Equal([Path], Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(Path)!));
    }

    [Fact]
    public void A_private_file_is_private_from_its_first_byte_on_and_stays_so()
    {
        File.WriteAllText(Path, "open to all");
        WholeFile.Write(Path, "secret", WholeFile.OwnerOnly);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void What_can_not_take_its_place_leaves_nothing_behind()
    {
        Directory.CreateDirectory(Path);
        Assert.ThrowsAny<Exception>(() => WholeFile.Write(Path, "content"));
        Assert.Empty(Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(Path)!));
    }

    [Fact]
    public void A_folder_that_is_missing_is_told_of() =>
        Assert.ThrowsAny<IOException>(() => WholeFile.Write(System.IO.Path.Combine(Path, "in", "nothing"), "content"));
}
