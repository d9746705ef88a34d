namespace Formation.Inference.Kernels.MachineCode;

/// <summary>Matrix tiles (AMX-TILE, AMX-BF16, AMX-INT8).</summary>
internal sealed partial class Assembler
{
    /// <summary>Sets the shapes of all tiles from 64 bytes at the address.</summary>
    public void Ldtilecfg(Address configuration) => Vex(Mandatory.None, Map0F38, 0x49, 0, configuration, needsSib: false);

    /// <summary>Forgets the shapes and contents of all tiles, so that the system has no tile state to save.</summary>
    public void Tilerelease() => Vex(Mandatory.None, Map0F38, 0x49, 0, 0, 0);

    public void Tilezero(Tmm tile) => Vex(Mandatory.PF2, Map0F38, 0x49, (int)tile, 0, 0);

    /// <summary>Reads a tile; the address's index register holds the bytes from one row to the next.</summary>
    public void Tileloadd(Tmm destination, Address source) => Vex(Mandatory.PF2, Map0F38, 0x4B, (int)destination, source, needsSib: true);

    /// <summary>The same with the hint that the data is streamed: it need not displace what is in the first-level cache.</summary>
    public void Tileloaddt1(Tmm destination, Address source) => Vex(Mandatory.P66, Map0F38, 0x4B, (int)destination, source, needsSib: true);

    public void Tilestored(Address destination, Tmm source) => Vex(Mandatory.PF3, Map0F38, 0x4B, (int)source, destination, needsSib: true);

    /// <summary>sums += left * right over pairs of bfloat16, in float32.</summary>
    public void Tdpbf16ps(Tmm sums, Tmm left, Tmm right) => Vex(Mandatory.PF3, Map0F38, 0x5C, (int)sums, (int)right, (int)left);

    /// <summary>sums += left * right over groups of four signed bytes, in int32.</summary>
    public void Tdpbssd(Tmm sums, Tmm left, Tmm right) => Vex(Mandatory.PF2, Map0F38, 0x5E, (int)sums, (int)right, (int)left);

    /// <summary>sums += left * right over groups of four bytes, the left ones unsigned and the right ones signed, in int32.</summary>
    public void Tdpbusd(Tmm sums, Tmm left, Tmm right) => Vex(Mandatory.P66, Map0F38, 0x5E, (int)sums, (int)right, (int)left);
}
