using System.Buffers.Binary;
using Formation.Inference.Kernels;
using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Engine.Gguf;

/// <summary>A tensor as it lies in a file.</summary>
public sealed class GgufTensor
{
    internal GgufTensor(string name, TensorType type, long[] dimensions, long elementCount, int part, long offset, MemoryRegion data)
    {
        Part = part;
        Offset = offset;
        Name = name;
        Type = type;
        Dimensions = dimensions;
        ElementCount = elementCount;
        Data = data;
    }

    public string Name { get; }

    public TensorType Type { get; }

    /// <summary>One to four lengths, the fastest-running dimension first: a matrix of R rows and C columns has (C, R).</summary>
    public IReadOnlyList<long> Dimensions { get; }

    /// <summary>Product of the dimensions.</summary>
    public long ElementCount { get; }

    /// <summary>Which file of the model holds the bytes: an index into <see cref="GgufFile.Paths"/>.</summary>
    public int Part { get; }

    /// <summary>Where in that file the bytes begin.</summary>
    public long Offset { get; }

    /// <summary>The bytes, exactly as many as type and shape call for; valid until the file is disposed.</summary>
    public MemoryRegion Data { get; }

    /// <summary>The tensor as a matrix.</summary>
    /// <param name="rows">Outputs of the layer.</param>
    /// <param name="columns">Inputs of the layer.</param>
    /// <exception cref="GgufException">It has another shape, or a type that this engine does not compute with.</exception>
    public WeightMatrix AsMatrix(int rows, int columns)
    {
        RequireComputed();
        if (Dimensions.Count != 2 || Dimensions[0] != columns || Dimensions[1] != rows)
            throw WrongShape($"{columns} x {rows}");
        return new WeightMatrix(Data, Type, rows, columns);
    }

    /// <summary>The tensor's values, for the small ones (norms, biases, factors) that are kept as float32.</summary>
    /// <exception cref="GgufException">
    /// It does not have one dimension of <paramref name="length"/>, or is not stored as F32, F16 or BF16.
    /// </exception>
    public float[] ReadVector(int length)
    {
        if (Dimensions.Count != 1 || Dimensions[0] != length)
            throw WrongShape($"{length}");
        if (Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16))
            throw new GgufException(GgufErrorKind.UnknownTensorType, -1,
                $"tensor {GgufLimits.Quote(Name)} is stored as {Type}; this engine reads vectors as F32, F16 or BF16");
        var bytes = Data.Span(0, checked((int)Data.Length));
        var values = new float[length];
        for (var i = 0; i < length; i++)
            values[i] = Type switch
            {
                TensorType.F32 => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                TensorType.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                _ => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) << 16),
            };
        return values;
    }

    public override string ToString() => $"{Name} {Type} [{string.Join(", ", Dimensions)}]";

    private void RequireComputed()
    {
        if (!TensorTypeInfo.Of(Type).IsComputed)
            throw new GgufException(GgufErrorKind.UnknownTensorType, -1,
                $"tensor {GgufLimits.Quote(Name)} is stored as {Type}, which this engine does not compute with; use another quantisation");
    }

    private GgufException WrongShape(string expected) => new(GgufErrorKind.InvalidShape, -1,
        $"tensor {GgufLimits.Quote(Name)} has the shape {string.Join(" x ", Dimensions)} and the model's metadata call for {expected}");
}
