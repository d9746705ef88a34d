using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Tests.Machine;

public sealed class FileStampTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_file_that_nobody_touched_keeps_its_stamp()
    {
        File.WriteAllText(_path, "weights");
        Assert.Equal(FileStamp.Of(_path), FileStamp.Of(_path));
        Assert.Equal(7, FileStamp.Of(_path).Length);
    }

    [Fact]
    public void The_times_are_those_that_the_runtime_knows()
    {
        var time = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddTicks(1_234_567);
        File.SetLastWriteTimeUtc(_path, time);
        Assert.Equal((time - DateTime.UnixEpoch).Ticks * 100, FileStamp.Of(_path).ModifiedNanoseconds);
    }

    [Fact]
    public void Another_file_in_its_place_has_another_stamp_even_with_the_same_length_and_time()
    {
        var time = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(_path, time);
        var before = FileStamp.Of(_path);
        var other = $"{_path}.other";
        File.WriteAllText(other, "");
        File.SetLastWriteTimeUtc(other, time);
        File.Move(other, _path, overwrite: true);
        var after = FileStamp.Of(_path);
        Assert.Equal((before.Length, before.ModifiedNanoseconds), (after.Length, after.ModifiedNanoseconds));
        Assert.NotEqual(before.Inode, after.Inode);
        Assert.NotEqual(before, after);
    }

    [Fact]
    public void Holes_take_no_room()
    {
        using (var file = File.OpenHandle(_path, access: FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, 100L << 20);
            RandomAccess.Write(file, new byte[4096], 50L << 20);
            RandomAccess.FlushToDisk(file);
        }
        Assert.Equal(100L << 20, FileStamp.Of(_path).Length);
        Assert.InRange(FileStamp.BytesOnDisk(_path), 4096, 1 << 20);
    }

    [Fact]
    public void A_file_that_is_not_there_is_told_by_its_name()
    {
        var error = Assert.Throws<IOException>(() => FileStamp.Of(_path + ".missing"));
        Assert.Contains(".missing", error.Message);
    }
}
