using System.Buffers.Binary;
using System.Collections;
using System.Runtime.InteropServices;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Node.Stages.Wire;

/// <summary>Memory for one batch from a peer, used again for the next. What it holds after <see cref="Read"/> fits the shape.</summary>
/// <param name="shape">The agreed limits.</param>
internal sealed class ReceivedBatch(StageShape shape)
{
    readonly RowReader _rows = new();
    readonly SliceList _slices = new();
    byte[] _sliceBytes = [];
    int[] _blocks = [];

    /// <summary>The sender's number of the batch.</summary>
    public long Number { get; private set; }

    public Batch Batch { get; private set; } = new(0, []);

    public Activations Activations { get; } = new(shape.MaxRows, shape.HiddenSize);

    /// <summary>Reads the payload of a <see cref="FrameType.Forward"/> or <see cref="FrameType.Rebuild"/>.</summary>
    /// <exception cref="StageProtocolException">
    /// Counts, positions or blocks do not fit together or the shape, or a row is not finite.
    /// </exception>
    public void Read(FrameReader reader, ActivationPrecision precision)
    {
        Span<byte> head = stackalloc byte[BatchFrame.HeadBytes];
        reader.Read(head);
        Number = BinaryPrimitives.ReadInt64LittleEndian(head);
        var slices = Within("slices", head[8..], 1, shape.MaxRows);
        var rows = Within("rows", head[12..], slices, shape.MaxRows);
        var references = Within("block ids", head[16..], slices, shape.MaxBlockReferences);

        Grow(ref _sliceBytes, slices * BatchFrame.SliceBytes);
        var sliceBytes = _sliceBytes.AsSpan(0, slices * BatchFrame.SliceBytes);
        reader.Read(sliceBytes);
        Grow(ref _blocks, references);
        ReadBlocks(reader, _blocks.AsSpan(0, references));
        SetSlices(sliceBytes, rows, references);
        _rows.Read(reader, precision, rows, Activations);
        Batch = new Batch(Number, _slices);
    }

    void ReadBlocks(FrameReader reader, Span<int> blocks)
    {
        reader.Read(MemoryMarshal.AsBytes(blocks));
        foreach (ref var block in blocks)
        {
            if (!BitConverter.IsLittleEndian)
                block = BinaryPrimitives.ReverseEndianness(block);
            if ((uint)block >= (uint)shape.BlockCount)
                throw new StageProtocolException(StageErrorCode.WrongBlock, $"there is no KV block {block}; there are {shape.BlockCount}");
        }
    }

    void SetSlices(ReadOnlySpan<byte> bytes, int rows, int references)
    {
        _slices.Clear();
        var (row, reference) = (0, 0);
        for (; bytes.Length > 0; bytes = bytes[BatchFrame.SliceBytes..])
        {
            var first = Within("first position", bytes[8..], 0, int.MaxValue);
            var count = Within("rows of a slice", bytes[12..], 1, rows - row);
            var table = Within("blocks of a slice", bytes[16..], 1, Math.Min(shape.BlockCount, references - reference));
            var kind = (SliceKind)Within("kind of a slice", bytes[20..], (int)SliceKind.Prefill, (int)SliceKind.Decode);
            if ((long)first + count > (long)table * shape.BlockSize)
            {
                throw new StageProtocolException(
                    StageErrorCode.WrongBlock,
                    $"positions to {(long)first + count - 1} do not fit into {table} KV blocks of {shape.BlockSize}");
            }
            _slices.Add(new BatchSlice(
                BinaryPrimitives.ReadInt64LittleEndian(bytes), kind, row, count, first, _blocks.AsMemory(reference, table)));
            row += count;
            reference += table;
        }
        if (row != rows || reference != references)
        {
            throw new StageProtocolException(
                StageErrorCode.WrongShape, $"the slices have {row} rows and {reference} block ids; {rows} and {references} are announced");
        }
    }

    static int Within(string name, ReadOnlySpan<byte> bytes, int least, int most)
    {
        var value = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return value >= least && value <= most
            ? value
            : throw new StageProtocolException(StageErrorCode.WrongShape, $"{name}: {value}; there must be from {least} to {most}");
    }

    static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[Math.Max(length, 2 * array.Length)];
    }

    /// <summary>A list that is filled anew for each batch.</summary>
    sealed class SliceList : IReadOnlyList<BatchSlice>
    {
        BatchSlice[] _items = new BatchSlice[4];

        public int Count { get; private set; }

        public BatchSlice this[int index] => _items.AsSpan(0, Count)[index];

        public void Clear() => Count = 0;

        public void Add(BatchSlice slice)
        {
            if (Count == _items.Length)
                Array.Resize(ref _items, 2 * Count);
            _items[Count++] = slice;
        }

        public IEnumerator<BatchSlice> GetEnumerator() => _items.Take(Count).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
