using System.Buffers.Binary;
using Formation.Inference.Kernels.Amx;

namespace Formation.Inference.Kernels.Tests.Amx.Emulation;

/// <summary>
/// The tile registers under palette 1, with the checks that fault on a processor. Source: Intel's manual, volume 2, LDTILECFG, TILELOADD,
/// TILESTORED and TDPBF16PS.
/// </summary>
internal sealed unsafe class EmulatedTiles(EmulatedMemory memory)
{
    private const int Count = 8;
    private const int MostRows = 16;
    private const int MostRowBytes = 64;

    private readonly byte[,,] _content = new byte[Count, MostRows, MostRowBytes];
    private readonly int[] _rows = new int[Count];
    private readonly int[] _rowBytes = new int[Count];

    internal bool AreConfigured { get; private set; }

    /// <summary>Instructions that multiplied.</summary>
    internal int Products { get; private set; }

    internal void Configure(long address)
    {
        var bytes = new ReadOnlySpan<byte>(memory.ForReading(address, 64), 64);
        Fault(bytes[0] != 1 || bytes[1] != 0, "only palette 1 from the first row on is emulated");
        foreach (var reserved in new[] { 2..16, 32..48, 56..64 })
            Fault(bytes[reserved].ContainsAnyExcept((byte)0), "reserved bytes");
        for (var tile = 0; tile < Count; tile++)
        {
            _rowBytes[tile] = BinaryPrimitives.ReadUInt16LittleEndian(bytes[(16 + (2 * tile))..]);
            _rows[tile] = bytes[48 + tile];
            Fault(_rows[tile] > MostRows || _rowBytes[tile] > MostRowBytes, $"tile {tile} is too large");
            Fault((_rows[tile] == 0) != (_rowBytes[tile] == 0), $"tile {tile} has rows without columns or columns without rows");
        }
        AreConfigured = true;
        Array.Clear(_content);
    }

    internal void Release()
    {
        AreConfigured = false;
        Array.Clear(_rows);
        Array.Clear(_rowBytes);
        Array.Clear(_content);
    }

    internal void Zero(int tile)
    {
        CheckShape(tile);
        Clear(tile);
    }

    internal void Load(int tile, long address, long stride)
    {
        CheckShape(tile);
        Clear(tile);
        for (var row = 0; row < _rows[tile]; row++)
        {
            var source = memory.ForReading(address + (row * stride), _rowBytes[tile]);
            for (var i = 0; i < _rowBytes[tile]; i++)
                _content[tile, row, i] = source[i];
        }
    }

    internal void Store(int tile, long address, long stride)
    {
        CheckShape(tile);
        for (var row = 0; row < _rows[tile]; row++)
        {
            var destination = memory.ForWriting(address + (row * stride), _rowBytes[tile]);
            for (var i = 0; i < _rowBytes[tile]; i++)
                destination[i] = _content[tile, row, i];
        }
    }

    internal void MultiplyBrain(int sums, int left, int right)
    {
        CheckShape(sums);
        CheckShape(left);
        CheckShape(right);
        Fault(sums == left || sums == right || left == right, "a tile used twice");
        Fault(_rowBytes[sums] % 4 != 0 || _rowBytes[left] % 4 != 0 || _rowBytes[right] % 4 != 0, "rows of broken pairs");
        var fit = _rows[sums] == _rows[left] && _rowBytes[sums] == _rowBytes[right] && _rowBytes[left] / 4 == _rows[right];
        Fault(!fit, "shapes that do not fit");
        Products++;
        for (var m = 0; m < _rows[sums]; m++)
        {
            for (var n = 0; n < _rowBytes[sums] / 4; n++)
            {
                float even = 0, odd = 0;
                for (var k = 0; k < _rows[right]; k++)
                {
                    even = BrainDot.MultiplyAdd(Word(left, m, 2 * k), Word(right, k, 2 * n), even);
                    odd = BrainDot.MultiplyAdd(Word(left, m, (2 * k) + 1), Word(right, k, (2 * n) + 1), odd);
                }
                fixed (byte* sum = &_content[sums, m, 4 * n])
                    *(float*)sum = BrainDot.Flush(BrainDot.Flush(*(float*)sum) + BrainDot.Flush(even + odd));
            }
        }
    }

    private ushort Word(int tile, int row, int index) =>
        (ushort)(_content[tile, row, 2 * index] | (_content[tile, row, (2 * index) + 1] << 8));

    private void Clear(int tile)
    {
        for (var row = 0; row < MostRows; row++)
        {
            for (var i = 0; i < MostRowBytes; i++)
                _content[tile, row, i] = 0;
        }
    }

    private void CheckShape(int tile) => Fault(!AreConfigured || _rows[tile] == 0, $"tile {tile} has no shape");

    private static void Fault(bool condition, string reason)
    {
        if (condition)
            throw new InvalidOperationException($"the processor would refuse this: {reason}");
    }
}
