using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Testing.Files;

namespace Formation.Inference.Engine.Tests.Gguf;

public sealed class GgufRoundTripTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_scalar_type_comes_back_as_it_was_written()
    {
        using var file = WriteAndOpen(writer =>
        {
            writer.Add("t.u8", byte.MaxValue);
            writer.Add("t.i8", sbyte.MinValue);
            writer.Add("t.u16", ushort.MaxValue);
            writer.Add("t.i16", short.MinValue);
            writer.Add("t.u32", uint.MaxValue);
            writer.Add("t.i32", int.MinValue);
            writer.Add("t.u64", (ulong)long.MaxValue);
            writer.Add("t.i64", long.MinValue);
            writer.Add("t.f32", 1.5f);
            writer.Add("t.f64", -0.1);
            writer.Add("t.true", true);
            writer.Add("t.false", false);
            writer.Add("t.string", "Grüße, 世界 🙂\n");
            writer.Add("t.empty", "");
        });
        var metadata = file.Metadata;

        Assert.Equal(byte.MaxValue, metadata.FindInteger("t.u8"));
        Assert.Equal(sbyte.MinValue, metadata.FindInteger("t.i8"));
        Assert.Equal(ushort.MaxValue, metadata.FindInteger("t.u16"));
        Assert.Equal(short.MinValue, metadata.FindInteger("t.i16"));
        Assert.Equal(uint.MaxValue, metadata.FindInteger("t.u32"));
        Assert.Equal(int.MinValue, metadata.RequireInt32("t.i32", int.MinValue));
        Assert.Equal(long.MaxValue, metadata.FindInteger("t.u64"));
        Assert.Equal(long.MinValue, metadata.FindInteger("t.i64"));
        Assert.Equal(1.5f, metadata.RequireSingle("t.f32"));
        Assert.Equal(-0.1f, metadata.RequireSingle("t.f64"));
        Assert.True(metadata.RequireBoolean("t.true"));
        Assert.False(metadata.RequireBoolean("t.false"));
        Assert.Equal("Grüße, 世界 🙂\n", metadata.RequireString("t.string"));
        Assert.Equal("", metadata.RequireString("t.empty"));
        Assert.Equal(14, metadata.Keys.Count);
        Assert.Equal("t.u8", metadata.Keys[0]);
    }

    [Fact]
    public void Every_array_type_comes_back_and_outlives_the_file()
    {
        GgufMetadata metadata;
        using (var file = WriteAndOpen(writer =>
        {
            writer.Add("a.u8", new byte[] { 0, 255 });
            writer.Add("a.i8", new sbyte[] { -1, 1 });
            writer.Add("a.u16", new ushort[] { 0, ushort.MaxValue });
            writer.Add("a.i16", new short[] { short.MinValue, 7 });
            writer.Add("a.u32", new uint[] { 1, int.MaxValue });
            writer.Add("a.i32", new[] { int.MinValue, int.MaxValue });
            writer.Add("a.u64", new ulong[] { 5 });
            writer.Add("a.i64", new[] { long.MinValue });
            writer.Add("a.f32", new[] { 1f, -2.5f });
            writer.Add("a.f64", new[] { 0.25 });
            writer.Add("a.bool", new[] { true, false, true });
            writer.Add("a.string", new[] { "", "a", "äöü", "<|im_start|>" });
            writer.Add("a.empty", Array.Empty<string>());
            writer.Add("a.nested", new[] { new[] { 1, 2 }, [], [3] });
            writer.Add("a.deep", new[] { new[] { new[] { "x" }, ["y", "zz"] }, [] });
        }))
            metadata = file.Metadata;

        Assert.Equal([0, 255], metadata.RequireArray("a.u8").Bytes().ToArray());
        Assert.Equal([255, 1], metadata.RequireArray("a.i8").Bytes().ToArray());
        Assert.Equal(-1, metadata.RequireArray("a.i8").Integer(0));
        Assert.Equal([0, 65535], metadata.FindInt32s("a.u16")!);
        Assert.Equal([-32768, 7], metadata.FindInt32s("a.i16")!);
        Assert.Equal([1, int.MaxValue], metadata.FindInt32s("a.u32")!);
        Assert.Equal([int.MinValue, int.MaxValue], metadata.FindInt32s("a.i32")!);
        Assert.Equal([5], metadata.FindInt32s("a.u64")!);
        Assert.Equal(long.MinValue, metadata.RequireArray("a.i64").Integer(0));
        Assert.Equal([1f, -2.5f], metadata.FindSingles("a.f32")!);
        Assert.Equal([0.25f], metadata.FindSingles("a.f64")!);
        Assert.Equal([true, false, true], metadata.FindBooleans("a.bool")!);
        Assert.Equal(["", "a", "äöü", "<|im_start|>"], metadata.RequireStrings("a.string").ToStrings());
        Assert.Equal("äöü"u8, metadata.RequireStrings("a.string").Utf8(2));
        Assert.Equal(0, metadata.RequireStrings("a.empty").Count);
        var nested = metadata.RequireArray("a.nested");
        Assert.Equal([[1, 2], [], [3]], Enumerable.Range(0, 3).Select(i => nested.Array(i).ToInt32s()));
        var deep = metadata.RequireArray("a.deep");
        Assert.Equal("zz", deep.Array(0).Array(1).String(1));
        Assert.Equal(0, deep.Array(1).Count);
    }

    public static TheoryData<TensorType> AllTypes => [.. Enum.GetValues<TensorType>()];

    [Theory]
    [MemberData(nameof(AllTypes))]
    public void A_tensor_of_every_type_comes_back_with_its_bytes(TensorType type)
    {
        var info = TensorTypeInfo.Of(type);
        long[] dimensions = [2L * info.BlockSize, 3, 2];
        var bytes = new byte[info.RowBytes(dimensions[0]) * 6];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(i * 7);

        using var file = WriteAndOpen(writer =>
        {
            writer.AddTensor("first", TensorType.F32, [1], new byte[4]);
            writer.AddTensor("second", type, dimensions, bytes);
        });

        var tensor = file.RequireTensor("second");
        Assert.Equal(type, tensor.Type);
        Assert.Equal(dimensions, tensor.Dimensions);
        Assert.Equal(12L * info.BlockSize, tensor.ElementCount);
        Assert.Equal(bytes, tensor.Data.Span(0, (int)tensor.Data.Length).ToArray());
    }

    [Theory]
    [InlineData(8)]
    [InlineData(32)]
    [InlineData(4096)]
    public void Tensors_start_at_multiples_of_the_alignment(int alignment)
    {
        using var file = WriteAndOpen(
            writer =>
            {
                writer.Add("x", "y");
                writer.AddTensor("a", TensorType.I8, [3], new byte[] { 1, 2, 3 });
                writer.AddTensor("b", TensorType.I8, [1], new byte[] { 4 });
            },
            alignment);

        Assert.Equal(alignment, file.Alignment);
        Assert.Equal(0, file.Length % alignment);
        Assert.Equal([1, 2, 3], file.RequireTensor("a").Data.Span(0, 3).ToArray());
        Assert.Equal([4], file.RequireTensor("b").Data.Span(0, 1).ToArray());
    }

    [Fact]
    public void The_same_content_gives_the_same_bytes()
    {
        static byte[] Bytes()
        {
            var writer = new GgufWriter();
            writer.Add("k", new[] { "a", "b" });
            writer.AddTensor("t", TensorType.F32, [2, 2], new byte[16]);
            var stream = new MemoryStream();
            writer.Write(stream);
            return stream.ToArray();
        }

        Assert.Equal(Bytes(), Bytes());
    }

    private GgufFile WriteAndOpen(Action<GgufWriter> fill, int alignment = GgufLimits.DefaultAlignment)
    {
        var writer = new GgufWriter(alignment);
        fill(writer);
        var path = _folder.File("model.gguf");
        writer.Write(path);
        return GgufFile.Open(path);
    }
}
