using Formation.Inference.Kernels.Formats;
using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Packing;

/// <summary>Q5_K in strips: as <see cref="PackedQ4_K"/>, with eight quads of fifth bits (bit g for group g) before the others.</summary>
internal readonly unsafe struct PackedQ5_K : IIntegerFormat
{
    private const int GroupQuads = 8;
    private const int LowHalves = 0x0F0F0F0F;
    private const int LowestBits = 0x01010101;

    private static readonly PackedField[] Layout = [new(2, 2), new(1, PackedScales.ByteCount), new(4, 8), new(4, 32)];

    public static TensorType Type => TensorType.Q5_K;

    public static ReadOnlySpan<PackedField> Fields => Layout;

    public static int BlockBytes => sizeof(Q5_KBlock);

    public static int BlockColumns => 256;

    public static int GroupColumns => 32;

    public static int Zero => 0;

    public static bool HasOffsets => true;

    public static int LargestLevel => 31;

    public static void Unpack(byte* block, in PanelColumn column)
    {
        var stored = (Q5_KBlock*)block;
        column.Scale(HalfBits.ToSingle(stored->Scale));
        column.Offset(-HalfBits.ToSingle(stored->MinimumScale));
        SixBitScales.Unpack(stored->Groups, column);
        for (var i = 0; i < 256; i++)
        {
            var low = (stored->Quants[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 0x0F;
            column.Level(i, low | (((stored->High[i % 32] >> (i / 32)) & 1) << 4));
        }
    }

    public static void Unpack<TQuads, TFloats>(byte* strip, in IntegerPanel panel)
        where TQuads : struct, IQuads<TQuads>
        where TFloats : struct, IFloats<TFloats>
    {
        Unpacking.Halves<TFloats>(strip, panel.Scales);
        Unpacking.NegatedHalves<TFloats>(strip + 2 * Strip.Outputs, panel.Offsets);
        SixBitScales.Unpack<TQuads>(strip + 4 * Strip.Outputs, panel);
        var fifths = strip + 4 * Strip.Outputs + SixBitScales.Bytes;
        var quads = fifths + GroupQuads * Unpacking.QuadBytes;
        var halves = TQuads.Broadcast(LowHalves);
        var lowest = TQuads.Broadcast(LowestBits);
        for (var quad = 0; quad < GroupQuads; quad++)
        {
            for (var i = 0; i < Unpacking.QuadBytes; i += TQuads.Count * sizeof(int))
            {
                var fifth = TQuads.Load(fifths + quad * Unpacking.QuadBytes + i);
                for (var pair = 0; pair < SixBitScales.Groups / 2; pair++)
                {
                    var source = quads + (pair * GroupQuads + quad) * Unpacking.QuadBytes + i;
                    var packed = TQuads.Load(source);
                    var levels = panel.Levels + (2 * pair * GroupQuads + quad) * IntegerPanel.QuadBytes + i;
                    ((packed & halves) | TQuads.ShiftLeft(fifth & lowest, 4)).Store(levels);
                    ((TQuads.ShiftRight(packed, 4) & halves) | TQuads.ShiftLeft(TQuads.ShiftRight(fifth, 1) & lowest, 4))
                        .Store(levels + GroupQuads * IntegerPanel.QuadBytes);
                    fifth = TQuads.ShiftRight(fifth, 2);
                }
            }
        }
    }
}
