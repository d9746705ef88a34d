using Formation.Inference.Engine.Gguf;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class GgufMalformedTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public GgufMalformedTests()
    {
        // What the first call of everything allocates is not the file's doing.
        Write(RawGguf.With(), 0);
        GgufFile.Open(Path).Dispose();
        Write(RawGguf.With(version: 9), 0);
        Assert.Throws<GgufException>(() => GgufFile.Open(Path));
    }

    public static TheoryData<string> Names => [.. MalformedGguf.All.Select(file => file.Name)];

    private string Path => _folder.File("model.gguf");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_malformed_file_is_refused_with_one_clear_error_and_without_allocating_for_its_promises(string name)
    {
        var malformed = MalformedGguf.All.Single(file => file.Name == name);
        var length = Write(malformed.Content, malformed.Length);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(Path));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(malformed.Kind, error.Kind);
        Assert.All(malformed.Message, part => Assert.Contains(part, error.Message));
        Assert.StartsWith("model.gguf: ", error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.InRange(error.Offset, 0, length);
        var content = malformed.Content.ToArray().Length;
        Assert.InRange(allocated, 0, GgufLimits.AllocationBound(
            content, content / GgufLimits.MinimumKeyBytes, content / GgufLimits.MinimumTensorBytes));
    }

    [Fact]
    public void The_corpus_names_each_fault_once_and_covers_every_kind_that_one_file_can_show()
    {
        var corpus = MalformedGguf.All.ToList();

        Assert.True(corpus.Count >= 40, $"{corpus.Count} files");
        Assert.Equal(corpus.Count, corpus.Select(file => file.Name).Distinct().Count());
        // The other kinds need a path, several parts, or somebody who asks for a value.
        GgufErrorKind[] ofOneFile =
        [
            GgufErrorKind.NotGguf, GgufErrorKind.UnsupportedVersion, GgufErrorKind.BigEndian, GgufErrorKind.Truncated,
            GgufErrorKind.LimitExceeded, GgufErrorKind.InvalidKey, GgufErrorKind.DuplicateKey, GgufErrorKind.InvalidValueType,
            GgufErrorKind.InvalidValue, GgufErrorKind.InvalidString, GgufErrorKind.InvalidAlignment, GgufErrorKind.InvalidTensorName,
            GgufErrorKind.DuplicateTensor, GgufErrorKind.InvalidShape, GgufErrorKind.UnknownTensorType, GgufErrorKind.MisalignedTensor,
            GgufErrorKind.TensorOutOfFile, GgufErrorKind.OverlappingTensors,
        ];
        Assert.Equal(ofOneFile, corpus.Select(file => file.Kind).Distinct().Order());
    }

    [Fact]
    public void A_header_longer_than_the_limit_is_refused()
    {
        // Strings of the longest length each: only together are they too much. They are holes, so the file takes no room on the disk.
        using (var stream = new FileStream(Path, FileMode.Create))
        {
            stream.Write(RawGguf.WithArray(GgufValueType.String, 20).ToArray());
            for (var i = 0; i < 20; i++)
            {
                stream.Write(BitConverter.GetBytes((ulong)GgufLimits.MaximumStringLength));
                stream.Seek(GgufLimits.MaximumStringLength, SeekOrigin.Current);
            }
            stream.SetLength(stream.Position);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(Path));

        Assert.Equal(GgufErrorKind.LimitExceeded, error.Kind);
        Assert.Contains("268435456", error.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, GgufLimits.AllocationBound(0, 0, 0));
    }

    [Fact]
    public void A_directory_and_a_missing_file_are_refused_as_such()
    {
        Assert.Equal(GgufErrorKind.NotAFile, Assert.Throws<GgufException>(() => GgufFile.Open(_folder.Path)).Kind);
        Assert.Equal(GgufErrorKind.FileNotFound, Assert.Throws<GgufException>(() => GgufFile.Open(_folder.File("no.gguf"))).Kind);
        Assert.Equal(GgufErrorKind.FileNotFound, Assert.Throws<GgufException>(() => GgufFile.Open(_folder.File("no/no.gguf"))).Kind);
    }

    [Fact]
    public async Task A_pipe_and_a_device_are_refused_and_not_waited_for()
    {
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [_folder.File("pipe"), _folder.File("piped.gguf")]))
            await mkfifo.WaitForExitAsync();
        File.CreateSymbolicLink(_folder.File("linked.gguf"), _folder.File("pipe"));

        foreach (var path in (string[])[_folder.File("piped.gguf"), _folder.File("linked.gguf"), "/dev/null", "/dev/zero"])
        {
            var open = Task.Run(() => Assert.Throws<GgufException>(() => GgufFile.Open(path)));
            Assert.Equal(GgufErrorKind.Truncated, (await open.WaitAsync(TimeSpan.FromMinutes(5))).Kind);
        }
    }

    [Fact]
    public void A_link_that_leads_nowhere_or_in_a_circle_is_refused()
    {
        File.CreateSymbolicLink(_folder.File("nowhere.gguf"), _folder.File("no.gguf"));
        File.CreateSymbolicLink(_folder.File("a.gguf"), _folder.File("b.gguf"));
        File.CreateSymbolicLink(_folder.File("b.gguf"), _folder.File("a.gguf"));

        Assert.Equal(GgufErrorKind.FileNotFound, Assert.Throws<GgufException>(() => GgufFile.Open(_folder.File("nowhere.gguf"))).Kind);
        Assert.Equal(GgufErrorKind.Unreadable, Assert.Throws<GgufException>(() => GgufFile.Open(_folder.File("a.gguf"))).Kind);
    }

    [Fact]
    public void A_refused_file_is_closed_again()
    {
        Write(RawGguf.With(version: 9), 0);
        Assert.Throws<GgufException>(() => GgufFile.Open(Path));

        using var exclusive = new FileStream(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.True(exclusive.CanWrite);
    }

    [Fact]
    public void A_vocabulary_without_tensors_may_end_before_the_data_would_start()
    {
        Write(RawGguf.WithKey(GgufValueType.UInt8).U8(1), 0);

        using var file = GgufFile.Open(Path);
        Assert.Empty(file.Tensors);
        Assert.Equal(1, file.Metadata.RequireInt32("some.key"));
    }

    [Fact]
    public void Version_2_is_read_like_version_3()
    {
        Write(RawGguf.With(tensors: 1, version: 2).Tensor("t").PadTo(32).Zeros(32), 0);

        using var file = GgufFile.Open(Path);
        Assert.Equal(2u, file.Version);
        Assert.Equal([8], file.RequireTensor("t").Dimensions);
    }

    private long Write(RawGguf content, long length)
    {
        using var stream = new FileStream(Path, FileMode.Create);
        stream.Write(content.ToArray());
        if (length > 0)
            stream.SetLength(length);
        return stream.Length;
    }
}
