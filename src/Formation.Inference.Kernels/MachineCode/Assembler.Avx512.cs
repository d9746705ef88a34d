namespace Formation.Inference.Kernels.MachineCode;

/// <summary>512-bit vectors (AVX-512 F, BW, VNNI and BF16).</summary>
internal sealed partial class Assembler
{
    /// <summary>sums += left * right over groups of four bytes, the left ones unsigned and the right ones signed, in int32.</summary>
    public void Vpdpbusd(Zmm sums, Zmm left, VectorSource right) => Evex(Mandatory.P66, Map0F38, 0x50, (int)sums, (int)left, right);

    /// <summary>sums += left * right over pairs of int16, in int32.</summary>
    public void Vpdpwssd(Zmm sums, Zmm left, VectorSource right) => Evex(Mandatory.P66, Map0F38, 0x52, (int)sums, (int)left, right);

    /// <summary>sums += left * right over pairs of bfloat16, in float32.</summary>
    public void Vdpbf16ps(Zmm sums, Zmm left, VectorSource right) => Evex(Mandatory.PF3, Map0F38, 0x52, (int)sums, (int)left, right);

    public void Vmovdqu8(Zmm destination, Address source) => Evex(Mandatory.PF2, Map0F, 0x6F, (int)destination, 0, source);

    public void Vmovdqu8(Address destination, Zmm source) => Evex(Mandatory.PF2, Map0F, 0x7F, (int)source, 0, destination);

    public void Vmovdqu32(Zmm destination, Address source) => Evex(Mandatory.PF3, Map0F, 0x6F, (int)destination, 0, source);

    public void Vmovdqu32(Address destination, Zmm source) => Evex(Mandatory.PF3, Map0F, 0x7F, (int)source, 0, destination);

    public void Vmovups(Zmm destination, Address source) => Evex(Mandatory.None, Map0F, 0x10, (int)destination, 0, source);

    public void Vmovups(Address destination, Zmm source) => Evex(Mandatory.None, Map0F, 0x11, (int)source, 0, destination);

    public void Vmovaps(Zmm destination, Zmm source) => Evex(Mandatory.None, Map0F, 0x28, (int)destination, 0, source);

    /// <summary>Sixteen half precision numbers to float32, exactly.</summary>
    public void Vcvtph2ps(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x13, (int)destination, 0, source, Reading.Half);

    /// <summary>Sixteen 16-bit numbers to 32 bits, zeros coming in.</summary>
    public void Vpmovzxwd(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x33, (int)destination, 0, source, Reading.Half);

    /// <summary>Sixteen bytes to 32 bits, zeros coming in.</summary>
    public void Vpmovzxbd(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x31, (int)destination, 0, source, Reading.Quarter);

    /// <summary>Sixteen signed bytes to 32 bits.</summary>
    public void Vpmovsxbd(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x21, (int)destination, 0, source, Reading.Quarter);

    /// <summary>Repeats sixteen bytes of memory.</summary>
    public void Vbroadcasti32x4(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x5A, (int)destination, 0, source, Reading.Quarter);

    /// <summary>For every byte of <paramref name="indices"/> the byte of that number among the table's sixteen at the same place.</summary>
    public void Vpshufb(Zmm destination, Zmm table, VectorSource indices) =>
        Evex(Mandatory.P66, Map0F38, 0x00, (int)destination, (int)table, indices);

    /// <summary>Repeats one float of memory.</summary>
    public void Vbroadcastss(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x18, (int)destination, 0, source, Reading.Dword);

    /// <summary>Repeats one dword of memory.</summary>
    public void Vpbroadcastd(Zmm destination, Address source) =>
        Evex(Mandatory.P66, Map0F38, 0x58, (int)destination, 0, source, Reading.Dword);

    /// <summary>Repeats the lower half of a general register.</summary>
    public void Vpbroadcastd(Zmm destination, Gpr source) => Evex(Mandatory.P66, Map0F38, 0x7C, (int)destination, 0, (Zmm)source);

    public void Vpxord(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F, 0xEF, (int)destination, (int)left, right);

    public void Vpandd(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F, 0xDB, (int)destination, (int)left, right);

    public void Vpord(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F, 0xEB, (int)destination, (int)left, right);

    /// <summary>Every bit of the destination becomes the table's bit with the number 4 · its own + 2 · left + right.</summary>
    public void Vpternlogd(Zmm destination, Zmm left, Zmm right, byte table)
    {
        Evex(Mandatory.P66, Map0F3A, 0x25, (int)destination, (int)left, right);
        Emit(table);
    }

    public void Vpaddd(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F, 0xFE, (int)destination, (int)left, right);

    public void Vpsubd(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F, 0xFA, (int)destination, (int)left, right);

    /// <summary>The larger int32.</summary>
    public void Vpmaxsd(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F38, 0x3D, (int)destination, (int)left, right);

    /// <summary>The lower 32 bits of the products of int32.</summary>
    public void Vpmulld(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.P66, Map0F38, 0x40, (int)destination, (int)left, right);

    /// <summary>Shifts each 16-bit lane right, zeros coming in.</summary>
    public void Vpsrlw(Zmm destination, Zmm source, byte bits)
    {
        Evex(Mandatory.P66, Map0F, 0x71, 2, (int)destination, source);
        Emit(bits);
    }

    /// <summary>Shifts each 32-bit lane right, zeros coming in.</summary>
    public void Vpsrld(Zmm destination, Zmm source, byte bits)
    {
        Evex(Mandatory.P66, Map0F, 0x72, 2, (int)destination, source);
        Emit(bits);
    }

    /// <summary>Shifts each 32-bit lane left.</summary>
    public void Vpslld(Zmm destination, Zmm source, byte bits)
    {
        Evex(Mandatory.P66, Map0F, 0x72, 6, (int)destination, source);
        Emit(bits);
    }

    /// <summary>int32 to float32, rounded as MXCSR says.</summary>
    public void Vcvtdq2ps(Zmm destination, VectorSource source) => Evex(Mandatory.None, Map0F, 0x5B, (int)destination, 0, source);

    public void Vaddps(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.None, Map0F, 0x58, (int)destination, (int)left, right);

    public void Vmulps(Zmm destination, Zmm left, VectorSource right) =>
        Evex(Mandatory.None, Map0F, 0x59, (int)destination, (int)left, right);

    /// <summary>sums += left * right with one rounding.</summary>
    public void Vfmadd231ps(Zmm sums, Zmm left, VectorSource right) => Evex(Mandatory.P66, Map0F38, 0xB8, (int)sums, (int)left, right);

    /// <summary>sums -= left * right with one rounding.</summary>
    public void Vfnmadd231ps(Zmm sums, Zmm left, VectorSource right) => Evex(Mandatory.P66, Map0F38, 0xBC, (int)sums, (int)left, right);

    /// <summary>
    /// Clears the upper parts of the first sixteen vector registers: without it, code of older encodings that runs later is slow.
    /// </summary>
    public void Vzeroupper()
    {
        Emit(0xC5);
        Emit(0xF8);
        Emit(0x77);
    }
}
