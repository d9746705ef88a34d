using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class GgufMetadataTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_absent_key_gives_the_default_or_an_error_that_names_it()
    {
        var metadata = Metadata(_ => { });

        Assert.Equal("gpt2", metadata.GetString("no.key", "gpt2"));
        Assert.Equal(7, metadata.GetInt32("no.key", 7));
        Assert.Equal(1.5f, metadata.GetSingle("no.key", 1.5f));
        Assert.True(metadata.GetBoolean("no.key", true));
        Assert.Null(metadata.FindArray("no.key"));
        Assert.Null(metadata.FindStrings("no.key"));
        Assert.Null(metadata.TypeOf("no.key"));
        foreach (Action require in (Action[])
            [
                () => metadata.RequireString("no.key"), () => metadata.RequireInt32("no.key"), () => metadata.RequireSingle("no.key"),
                () => metadata.RequireBoolean("no.key"), () => metadata.RequireArray("no.key"), () => metadata.RequireStrings("no.key"),
            ])
        {
            var error = Assert.Throws<GgufException>(require);
            Assert.Equal(GgufErrorKind.MissingKey, error.Kind);
            Assert.Contains("'no.key'", error.Message);
        }
    }

    [Fact]
    public void A_value_of_another_type_is_refused_with_both_types()
    {
        var metadata = Metadata(writer =>
        {
            writer.Add("text", "4");
            writer.Add("number", 4u);
            writer.Add("numbers", new[] { 4 });
        });

        AssertWrongType(() => metadata.RequireInt32("text"), "String", "an integer");
        AssertWrongType(() => metadata.RequireString("number"), "UInt32", "a string");
        AssertWrongType(() => metadata.RequireSingle("number"), "UInt32", "a floating-point number");
        AssertWrongType(() => metadata.RequireBoolean("number"), "UInt32", "a boolean");
        AssertWrongType(() => metadata.RequireArray("number"), "UInt32", "an array");
        AssertWrongType(() => metadata.RequireStrings("numbers"), "Int32", "strings");
        AssertWrongType(() => metadata.FindSingles("numbers"), "Int32", "floating-point");
        AssertWrongType(() => metadata.FindBooleans("numbers"), "Int32", "booleans");
        AssertWrongType(() => metadata.RequireArray("numbers").Array(0), "Int32", "arrays");
        AssertWrongType(() => metadata.RequireArray("numbers").Bytes(), "Int32", "bytes");
    }

    [Fact]
    public void A_value_outside_its_range_is_refused_with_value_and_range()
    {
        var metadata = Metadata(writer =>
        {
            writer.Add("layers", 100_000);
            writer.Add("negative", -1);
            writer.Add("huge", ulong.MaxValue);
            writer.Add("wide", 1L << 40);
            writer.Add("nan", float.NaN);
            writer.Add("infinite", 1e300);
            writer.Add("wides", new[] { 0L, 1L << 40 });
            writer.Add("huges", new[] { ulong.MaxValue });
        });

        AssertOutOfRange(() => metadata.RequireInt32("layers", 1, 1024), "100000", "1 to 1024");
        AssertOutOfRange(() => metadata.GetInt32("negative", 0), "-1", "from 0");
        AssertOutOfRange(() => metadata.RequireInt32("huge"), "18446744073709551615");
        AssertOutOfRange(() => metadata.RequireInt32("wide"), "1099511627776", "2147483647");
        AssertOutOfRange(() => metadata.RequireSingle("nan"), "NaN");
        AssertOutOfRange(() => metadata.RequireSingle("infinite"), "finite");
        AssertOutOfRange(() => metadata.FindInt32s("wides"), "element 1", "1099511627776");
        AssertOutOfRange(() => metadata.RequireArray("huges").Integer(0), "element 0");
    }

    [Fact]
    public void An_index_outside_an_array_is_refused()
    {
        var metadata = Metadata(writer =>
        {
            writer.Add("numbers", new[] { 4 });
            writer.Add("strings", new[] { "a" });
        });

        Assert.Throws<ArgumentOutOfRangeException>(() => metadata.RequireArray("numbers").Integer(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => metadata.RequireArray("strings").String(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => metadata.RequireArray("strings").String(1));
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        var writer = new GgufWriter();
        writer.Write(_folder.File("m.gguf"));
        using var file = GgufFile.Open(_folder.File("m.gguf"));

        Assert.Null(file.FindTensor("blk.0.attn_q.weight"));
        var error = Assert.Throws<GgufException>(() => file.RequireTensor("blk.0.attn_q.weight"));
        Assert.Equal(GgufErrorKind.MissingTensor, error.Kind);
        Assert.Contains("'blk.0.attn_q.weight'", error.Message);
    }

    [Fact]
    public void Opening_a_large_vocabulary_allocates_little_more_than_its_bytes()
    {
        var path = _folder.File("vocabulary.gguf");
        var writer = new GgufWriter();
        writer.Add("tokenizer.ggml.tokens", Enumerable.Range(0, 100_000).Select(id => $"token{id}").ToArray());
        writer.Add("tokenizer.ggml.token_type", new int[100_000]);
        writer.Write(path);
        GgufFile.Open(path).Dispose();

        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = GgufFile.Open(path);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 0, GgufLimits.AllocationBound(file.Length, 2, 0));
        Assert.Equal("token99999", file.Metadata.RequireStrings("tokenizer.ggml.tokens").String(99_999));
    }

    [Theory]
    [InlineData(20_000, 0, 1)]
    [InlineData(0, 20_000, 1)]
    [InlineData(0, 20_000, 4)]
    public void Opening_a_file_of_many_keys_and_tensors_allocates_within_the_bound(int keys, int tensors, int dimensions)
    {
        var path = _folder.File("many.gguf");
        var raw = RawGguf.With(tensors: (ulong)tensors, keys: (ulong)keys);
        for (var i = 0; i < keys; i++)
            raw.Text($"{i:x}").U32((uint)GgufValueType.String).Text("");
        for (var i = 0; i < tensors; i++)
            raw.Tensor($"{i:x}", TensorType.I8, (ulong)(32 * i), [.. Enumerable.Repeat(1UL, dimensions)]);
        File.WriteAllBytes(path, raw.PadTo(32).Zeros(32 * tensors).ToArray());
        GgufFile.Open(path).Dispose();

        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = GgufFile.Open(path);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 0, GgufLimits.AllocationBound(file.Length - (32 * tensors), keys, tensors));
    }

    private static void AssertWrongType(Action action, params string[] parts) => AssertRefused(action, GgufErrorKind.WrongType, parts);

    private static void AssertOutOfRange(Action action, params string[] parts) => AssertRefused(action, GgufErrorKind.OutOfRange, parts);

    private static void AssertRefused(Action action, GgufErrorKind kind, string[] parts)
    {
        var error = Assert.Throws<GgufException>(action);
        Assert.Equal(kind, error.Kind);
        Assert.All(parts, part => Assert.Contains(part, error.Message));
    }

    private GgufMetadata Metadata(Action<GgufWriter> fill)
    {
        var writer = new GgufWriter();
        fill(writer);
        writer.Write(_folder.File("m.gguf"));
        using var file = GgufFile.Open(_folder.File("m.gguf"));
        return file.Metadata;
    }
}
