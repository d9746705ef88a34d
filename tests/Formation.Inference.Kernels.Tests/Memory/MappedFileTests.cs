using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Tests.Memory;

public sealed class MappedFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    [Fact]
    public void A_file_is_seen_as_it_is()
    {
        var bytes = new byte[10_000];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(_path, bytes);
        using var file = MappedFile.Open(_path);
        Assert.Equal(bytes.Length, file.Length);
        Assert.Equal(bytes, file.Region.Span(0, bytes.Length).ToArray());
        Assert.Equal(Path.GetFullPath(_path), file.Path);
    }

    [Fact]
    public void An_empty_file_has_an_empty_region_and_is_not_kept_open()
    {
        using var file = MappedFile.Open(_path);
        Assert.Equal(0, file.Length);
        Assert.Equal(0, file.Region.Length);
        using var exclusive = new FileStream(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
    }

    [Fact]
    public void A_disposed_file_gives_no_region()
    {
        File.WriteAllText(_path, "content");
        var file = MappedFile.Open(_path);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Region);
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_refused()
    {
        Assert.Throws<FileNotFoundException>(() => MappedFile.Open(_path + ".missing"));
        Assert.Throws<UnauthorizedAccessException>(() => MappedFile.Open(Path.GetTempPath()));
    }

    public void Dispose() => File.Delete(_path);
}
