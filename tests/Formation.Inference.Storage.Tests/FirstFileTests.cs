using System.Globalization;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Storage.Tests;

public sealed class FirstFileTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    private string Path => _folder.File("file");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Of_several_who_make_a_file_the_first_one_wins()
    {
        Assert.True(FirstFile.TryCreate(Path, "first"u8));
        Assert.False(FirstFile.TryCreate(Path, "second"u8));
        AssertAlone("first");
    }

    [Fact]
    public void Of_many_who_make_it_at_once_one_does_and_all_of_them_read_what_that_one_wrote()
    {
        for (var round = 0; round < 50; round++)
        {
            File.Delete(Path);
            var wins = new bool[8];
            var read = new string[wins.Length];
            using var together = new Barrier(wins.Length);
            var threads = Enumerable.Range(0, wins.Length).Select(i => new Thread(() =>
            {
                together.SignalAndWait();
                wins[i] = FirstFile.TryCreate(Path, System.Text.Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)));
                read[i] = File.ReadAllText(Path);
            })).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());

            var winner = Assert.Single(Enumerable.Range(0, wins.Length), i => wins[i]);
            Assert.All(read, content => Assert.Equal(winner.ToString(CultureInfo.InvariantCulture), content));
            AssertAlone(read[0]);
        }
    }

    [Fact]
    public void A_draft_that_somebody_left_in_the_middle_of_it_is_written_over()
    {
        File.WriteAllText(Path + ".new", "the beginning of something longer");
        Assert.True(FirstFile.TryCreate(Path, "whole"u8));
        AssertAlone("whole");
    }

    [Fact]
    public void Only_those_may_read_it_who_are_meant_to()
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.WriteAllText(Path + ".new", "left behind, and open to all");
        FirstFile.TryCreate(Path, "secret"u8, OwnerOnly);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void A_folder_that_is_missing_is_told_of() =>
        Assert.ThrowsAny<IOException>(() => FirstFile.TryCreate(System.IO.Path.Combine(Path, "in", "nothing"), "content"u8));

    private void AssertAlone(string content)
    {
        Assert.Equal(content, File.ReadAllText(Path));
        Assert.Equal([Path], Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(Path)!));
    }
}
