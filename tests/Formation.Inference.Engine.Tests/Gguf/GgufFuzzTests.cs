using System.Buffers.Binary;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Engine.Tests.Gguf;

/// <summary>
/// Damages small valid files at random, repeatably: whatever comes out, only <see cref="GgufException"/> is thrown and little is allocated.
/// </summary>
public sealed class GgufFuzzTests
{
    private static readonly ulong[] Awkward =
    [
        0, 1, 31, 32, 33, 127, 128, 255, 256, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 61, long.MaxValue, 1UL << 63,
        ulong.MaxValue - 31, ulong.MaxValue,
    ];

    [Fact]
    public void Damaged_files_are_read_or_refused_with_bounded_memory() => Run(mutations: 3_000, seed: 1);

    [Fact]
    [Trait("Category", "Long")]
    public void Many_damaged_files_are_read_or_refused_with_bounded_memory() => Run(mutations: 500_000, seed: 2);

    private static void Run(int mutations, ulong seed)
    {
        byte[][] originals = [FileWithEveryValueType(), FileWithEveryTensorType(), SmallModel()];
        var random = new SplitMix64(seed);
        var refused = 0;
        foreach (var original in originals)
            Assert.Null(Read(original, "the undamaged file"));
        for (var i = 0; i < mutations; i++)
        {
            var damaged = Damage(originals[i % originals.Length], originals[random.Next(originals.Length)], random);
            if (Read(damaged, $"mutation {i} of seed {seed}") is not null)
                refused++;
        }
        // Both outcomes occur often; otherwise the damage is too crude or too harmless to find anything.
        Assert.InRange(refused, mutations / 5, mutations - (mutations / 50));
    }

    private static GgufException? Read(byte[] bytes, string what)
    {
        using var memory = new NativeBuffer(bytes.Length);
        bytes.CopyTo(memory.Span(0, bytes.Length));
        var before = GC.GetAllocatedBytesForCurrentThread();
        GgufException? refusal = null;
        GgufHeader? header = null;
        try
        {
            header = GgufHeader.Read(memory.Region, "fuzz.gguf");
        }
        catch (GgufException e)
        {
            refusal = e;
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var bound = GgufLimits.AllocationBound(
            bytes.Length, bytes.Length / GgufLimits.MinimumKeyBytes, bytes.Length / GgufLimits.MinimumTensorBytes);
        Assert.True(allocated <= bound, $"{what}: {allocated} bytes allocated, {bound} allowed");
        if (header is not null)
            UseEverything(header);
        return refusal;
    }

    private static void UseEverything(GgufHeader header)
    {
        foreach (var key in header.Metadata.Keys)
            try
            {
                _ = header.Metadata.TypeOf(key) switch
                {
                    GgufValueType.String => header.Metadata.RequireString(key).Length,
                    GgufValueType.Boolean => header.Metadata.RequireBoolean(key) ? 1 : 0,
                    GgufValueType.Float32 or GgufValueType.Float64 => header.Metadata.RequireSingle(key),
                    GgufValueType.Array => UseArray(header.Metadata.RequireArray(key)),
                    _ => header.Metadata.FindInteger(key) ?? 0,
                };
            }
            catch (GgufException e)
            {
                Assert.Equal(GgufErrorKind.OutOfRange, e.Kind);
            }
        foreach (var tensor in header.Tensors)
        {
            var last = tensor.Data.Span(tensor.Data.Length - 1, 1)[0];
            Assert.InRange(last, 0, 255);
        }
    }

    private static long UseArray(GgufArray array)
    {
        var sum = 0L;
        for (var i = 0; i < array.Count; i++)
            sum += array.ElementType switch
            {
                GgufValueType.String => array.String(i).Length,
                GgufValueType.Boolean => array.Boolean(i) ? 1 : 0,
                GgufValueType.Float32 or GgufValueType.Float64 => array.Number(i) > 0 ? 1 : 0,
                GgufValueType.Array => UseArray(array.Array(i)),
                _ => array.Integer(i),
            };
        return sum;
    }

    private static byte[] Damage(byte[] original, byte[] other, SplitMix64 random)
    {
        var bytes = original.ToArray();
        // Most of the damage goes to the header, which is what has a structure.
        int Place(int length) => Math.Max(0, random.Next(random.Next(4) == 0 ? bytes.Length : Math.Min(bytes.Length, 2048)) - length);
        for (var i = random.Next(3); i >= 0 && bytes.Length > 16; i--)
            switch (random.Next(7))
            {
                case 0:
                    bytes[Place(0)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[Place(0)] = (byte)random.Next(256);
                    break;
                case 2:
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(Place(8)), Awkward[random.Next(Awkward.Length)]);
                    break;
                case 3:
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Place(4)), (uint)Awkward[random.Next(Awkward.Length)]);
                    break;
                case 4:
                    bytes = bytes[..Place(0)];
                    break;
                case 5:
                    var (cut, length) = (Place(0), random.Next(64));
                    bytes = [.. bytes[..cut], .. bytes[Math.Min(cut + length, bytes.Length)..]];
                    break;
                default:
                    var (to, from) = (Place(0), random.Next(other.Length));
                    bytes = [.. bytes[..to], .. other[from..Math.Min(from + random.Next(200), other.Length)], .. bytes[to..]];
                    break;
            }
        return bytes;
    }

    private static byte[] FileWithEveryValueType() => Bytes(writer =>
    {
        writer.Add("v.u8", (byte)1);
        writer.Add("v.i8", (sbyte)1);
        writer.Add("v.u16", (ushort)1);
        writer.Add("v.i16", (short)1);
        writer.Add("v.u32", 1u);
        writer.Add("v.i32", 1);
        writer.Add("v.u64", 1UL);
        writer.Add("v.i64", 1L);
        writer.Add("v.f32", 1f);
        writer.Add("v.f64", 1.0);
        writer.Add("v.bool", true);
        writer.Add("v.string", "text");
        writer.Add("v.strings", new[] { "a", "", "äö", "世界" });
        writer.Add("v.bools", new[] { true, false });
        writer.Add("v.floats", new[] { 1f, 2f });
        writer.Add("v.ints", new[] { 1, 2, 3 });
        writer.Add("v.nested", new[] { new[] { "x" }, ["y", "zz"], [] });
        writer.AddTensor("t", TensorType.F32, [8], new byte[32]);
    });

    private static byte[] FileWithEveryTensorType() => Bytes(writer =>
    {
        foreach (var type in Enum.GetValues<TensorType>())
        {
            var info = TensorTypeInfo.Of(type);
            writer.AddTensor($"tensor.{type}", type, [info.BlockSize, 2], new byte[2 * info.BlockBytes]);
        }
    });

    private static byte[] SmallModel()
    {
        var stream = new MemoryStream();
        TinyModel.Build(stream, TinyModelOptions.Llama with
        {
            HiddenSize = 32,
            FeedForwardSize = 32,
            HeadCount = 2,
            KvHeadCount = 1,
            LayerCount = 1,
            VocabularySize = TinyVocabulary.MinimumSize,
            MatrixType = TensorType.Q4_0,
        });
        return stream.ToArray();
    }

    private static byte[] Bytes(Action<GgufWriter> fill)
    {
        var writer = new GgufWriter();
        fill(writer);
        var stream = new MemoryStream();
        writer.Write(stream);
        return stream.ToArray();
    }
}
