using System.Globalization;
using Formation.Inference.Kernels.MachineCode;

namespace Formation.Inference.Kernels.Tests.MachineCode;

/// <summary>
/// Every instruction of the assembler with registers and addresses of every kind that is encoded differently, as objdump writes them in
/// Intel's syntax.
/// </summary>
internal static class InstructionCases
{
    // Bases and indexes with and without their own meaning in ModRM and SIB (rsp, rbp, r12, r13), and displacements around the borders of
    // eight bits, also in units of a dword and of a vector.
    private static readonly Address[] Addresses =
    [
        Address.At(Gpr.Rax),
        Address.At(Gpr.Rsp, 8),
        Address.At(Gpr.Rbp),
        Address.At(Gpr.R12, 127),
        Address.At(Gpr.R13),
        Address.At(Gpr.Rdi, -128),
        Address.At(Gpr.R9, 128),
        Address.At(Gpr.Rsi, 508),
        Address.At(Gpr.Rdx, 64),
        Address.At(Gpr.R15, 8128),
        Address.At(Gpr.Rcx, -8192),
        Address.At(Gpr.Rbx, 8192),
        .. Indexed(),
    ];

    internal static IEnumerable<InstructionCase> All() => [.. General(), .. Tiles(), .. Vectors()];

    private static IEnumerable<Address> Indexed() =>
    [
        Address.At(Gpr.Rsi, Gpr.Rax),
        Address.At(Gpr.Rbp, Gpr.Rcx, 2),
        Address.At(Gpr.R13, Gpr.R12, 4),
        Address.At(Gpr.R12, Gpr.R13, 8, 1024),
        Address.At(Gpr.Rsp, Gpr.Rbp, 1, -64),
        Address.At(Gpr.R8, Gpr.R15, 1, 4),
    ];

    private static IEnumerable<InstructionCase> General()
    {
        var pairs = Enumerable.Range(0, 16).Select(i => ((Gpr)i, (Gpr)(((i * 7) + 3) % 16))).ToArray();
        foreach (var (left, right) in pairs)
        {
            yield return new($"mov {Name(left)},{Name(right)}", code => code.Mov(left, right));
            yield return new($"add {Name(left)},{Name(right)}", code => code.Add(left, right));
            yield return new($"sub {Name(left)},{Name(right)}", code => code.Sub(left, right));
            yield return new($"cmp {Name(left)},{Name(right)}", code => code.Cmp(left, right));
            yield return new($"test {Name(left)},{Name(right)}", code => code.Test(left, right));
            yield return new($"push {Name(left)}", code => code.Push(left));
            yield return new($"pop {Name(left)}", code => code.Pop(left));
            yield return new($"shl {Name(left)},0x6", code => code.Shl(left, 6));
        }
        foreach (var (address, (register, _)) in Addresses.Zip(pairs.Concat(pairs)))
        {
            var place = $"QWORD PTR {Text(address)}";
            yield return new($"mov {Name(register)},{place}", code => code.Mov(register, address));
            yield return new($"mov {place},{Name(register)}", code => code.Mov(address, register));
            yield return new($"lea {Name(register)},{Text(address)}", code => code.Lea(register, address));
            yield return new($"add {Name(register)},{place}", code => code.Add(register, address));
            yield return new($"sub {Name(register)},{place}", code => code.Sub(register, address));
            yield return new($"cmp {Name(register)},{place}", code => code.Cmp(register, address));
            yield return new($"prefetcht0 BYTE PTR {Text(address)}", code => code.Prefetcht0(address));
            yield return new($"prefetcht1 BYTE PTR {Text(address)}", code => code.Prefetcht1(address));
            yield return new($"prefetchw BYTE PTR {Text(address)}", code => code.Prefetchw(address));
        }
        foreach (var register in new[] { Gpr.Rcx, Gpr.Rsp, Gpr.R8, Gpr.R13 })
        {
            foreach (var value in new[] { 0, 1, -1, 127, 128, -128, -129, int.MaxValue, int.MinValue })
            {
                yield return new($"mov {Name(register)},{Number(value)}", code => code.Mov(register, value));
                yield return new($"add {Name(register)},{Number(value)}", code => code.Add(register, value));
                yield return new($"sub {Name(register)},{Number(value)}", code => code.Sub(register, value));
                yield return new($"cmp {Name(register)},{Number(value)}", code => code.Cmp(register, value));
            }
        }
        yield return new("ret", code => code.Ret());
    }

    private static IEnumerable<InstructionCase> Tiles()
    {
        foreach (var (address, tile) in Indexed().Zip(Enum.GetValues<Tmm>()))
        {
            yield return new($"tileloadd {Name(tile)},{Text(address)}", code => code.Tileloadd(tile, address));
            yield return new($"tileloaddt1 {Name(tile)},{Text(address)}", code => code.Tileloaddt1(tile, address));
            yield return new($"tilestored {Text(address)},{Name(tile)}", code => code.Tilestored(address, tile));
        }
        foreach (var address in Addresses)
            yield return new($"ldtilecfg {Text(address)}", code => code.Ldtilecfg(address));
        foreach (var tile in Enum.GetValues<Tmm>())
        {
            var (left, right) = ((Tmm)(((int)tile + 3) % 8), (Tmm)(((int)tile + 6) % 8));
            var operands = $"{Name(tile)},{Name(left)},{Name(right)}";
            yield return new($"tilezero {Name(tile)}", code => code.Tilezero(tile));
            yield return new($"tdpbf16ps {operands}", code => code.Tdpbf16ps(tile, left, right));
            yield return new($"tdpbssd {operands}", code => code.Tdpbssd(tile, left, right));
            yield return new($"tdpbusd {operands}", code => code.Tdpbusd(tile, left, right));
        }
        yield return new("tilerelease", code => code.Tilerelease());
    }

    private static IEnumerable<InstructionCase> Vectors() =>
    [
        .. ThreeOperands("vpdpbusd", (code, a, b, c) => code.Vpdpbusd(a, b, c)),
        .. ThreeOperands("vpdpwssd", (code, a, b, c) => code.Vpdpwssd(a, b, c)),
        .. ThreeOperands("vdpbf16ps", (code, a, b, c) => code.Vdpbf16ps(a, b, c)),
        .. ThreeOperands("vpxord", (code, a, b, c) => code.Vpxord(a, b, c)),
        .. ThreeOperands("vpandd", (code, a, b, c) => code.Vpandd(a, b, c)),
        .. ThreeOperands("vpord", (code, a, b, c) => code.Vpord(a, b, c)),
        .. ThreeOperands("vpaddd", (code, a, b, c) => code.Vpaddd(a, b, c)),
        .. ThreeOperands("vpsubd", (code, a, b, c) => code.Vpsubd(a, b, c)),
        .. ThreeOperands("vpmaxsd", (code, a, b, c) => code.Vpmaxsd(a, b, c)),
        .. ThreeOperands("vpmulld", (code, a, b, c) => code.Vpmulld(a, b, c)),
        .. ThreeOperands("vaddps", (code, a, b, c) => code.Vaddps(a, b, c)),
        .. ThreeOperands("vmulps", (code, a, b, c) => code.Vmulps(a, b, c)),
        .. ThreeOperands("vfmadd231ps", (code, a, b, c) => code.Vfmadd231ps(a, b, c)),
        .. ThreeOperands("vfnmadd231ps", (code, a, b, c) => code.Vfnmadd231ps(a, b, c)),
        .. WholeOperands("vpshufb", (code, a, b, c) => code.Vpshufb(a, b, c)),
        .. Moves("vmovdqu8", "ZMMWORD", (code, to, from) => code.Vmovdqu8(to, from), (code, to, from) => code.Vmovdqu8(to, from)),
        .. Moves("vmovdqu32", "ZMMWORD", (code, to, from) => code.Vmovdqu32(to, from), (code, to, from) => code.Vmovdqu32(to, from)),
        .. Moves("vmovups", "ZMMWORD", (code, to, from) => code.Vmovups(to, from), (code, to, from) => code.Vmovups(to, from)),
        .. Moves("vbroadcastss", "DWORD", (code, to, from) => code.Vbroadcastss(to, from), null),
        .. Moves("vpbroadcastd", "DWORD", (code, to, from) => code.Vpbroadcastd(to, from), null),
        .. Moves("vcvtph2ps", "YMMWORD", (code, to, from) => code.Vcvtph2ps(to, from), null),
        .. Moves("vpmovzxwd", "YMMWORD", (code, to, from) => code.Vpmovzxwd(to, from), null),
        .. Moves("vpmovzxbd", "XMMWORD", (code, to, from) => code.Vpmovzxbd(to, from), null),
        .. Moves("vpmovsxbd", "XMMWORD", (code, to, from) => code.Vpmovsxbd(to, from), null),
        .. Moves("vbroadcasti32x4", "XMMWORD", (code, to, from) => code.Vbroadcasti32x4(to, from), null),
        .. TwoOperands(),
        new("vzeroupper", code => code.Vzeroupper()),
    ];

    private static IEnumerable<InstructionCase> ThreeOperands(string name, Action<Assembler, Zmm, Zmm, VectorSource> emit)
    {
        for (var i = 0; i < 32; i += 3)
        {
            var (first, second, third) = ((Zmm)i, (Zmm)(((i * 11) + 5) % 32), (Zmm)(((i * 7) + 19) % 32));
            yield return new($"{name} {Name(first)},{Name(second)},{Name(third)}", code => emit(code, first, second, third));
        }
        foreach (var (address, i) in Addresses.Select((address, i) => (address, i)))
        {
            var (first, second) = ((Zmm)((i * 5) % 32), (Zmm)(((i * 3) + 17) % 32));
            var registers = $"{name} {Name(first)},{Name(second)}";
            yield return new($"{registers},ZMMWORD PTR {Text(address)}", code => emit(code, first, second, address));
            yield return new($"{registers},DWORD BCST {Text(address)}", code => emit(code, first, second, address.Broadcast()));
        }
    }

    /// <summary>Instructions on bytes: they repeat no dword of memory.</summary>
    private static IEnumerable<InstructionCase> WholeOperands(string name, Action<Assembler, Zmm, Zmm, VectorSource> emit) =>
        ThreeOperands(name, emit).Where(given => !given.Text.Contains("BCST", StringComparison.Ordinal));

    private static IEnumerable<InstructionCase> Moves(
        string name, string width, Action<Assembler, Zmm, Address> load, Action<Assembler, Address, Zmm>? store)
    {
        foreach (var (address, i) in Addresses.Select((address, i) => (address, i)))
        {
            var register = (Zmm)(((i * 13) + 7) % 32);
            yield return new($"{name} {Name(register)},{width} PTR {Text(address)}", code => load(code, register, address));
            if (store is not null)
                yield return new($"{name} {width} PTR {Text(address)},{Name(register)}", code => store(code, address, register));
        }
    }

    private static IEnumerable<InstructionCase> TwoOperands()
    {
        for (var i = 0; i < 32; i += 5)
        {
            var (first, second) = ((Zmm)i, (Zmm)(((i * 3) + 9) % 32));
            var general = (Gpr)((i + 2) % 16);
            var operands = $"{Name(first)},{Name(second)}";
            yield return new($"vpsrlw {operands},0x4", code => code.Vpsrlw(first, second, 4));
            yield return new($"vpsrld {operands},0x10", code => code.Vpsrld(first, second, 16));
            yield return new($"vpslld {operands},0x1f", code => code.Vpslld(first, second, 31));
            yield return new($"vpternlogd {operands},{Name((Zmm)31)},0xf8", code => code.Vpternlogd(first, second, Zmm.Zmm31, 0xF8));
            yield return new($"vmovaps {operands}", code => code.Vmovaps(first, second));
            yield return new($"vcvtdq2ps {operands}", code => code.Vcvtdq2ps(first, second));
            yield return new($"vpbroadcastd {Name(first)},{LowerHalf(general)}", code => code.Vpbroadcastd(first, general));
        }
        foreach (var address in Addresses)
        {
            yield return new($"vcvtdq2ps zmm6,ZMMWORD PTR {Text(address)}", code => code.Vcvtdq2ps(Zmm.Zmm6, address));
            yield return new($"vcvtdq2ps zmm27,DWORD BCST {Text(address)}", code => code.Vcvtdq2ps(Zmm.Zmm27, address.Broadcast()));
        }
    }

    private static string Name<TRegister>(TRegister register) where TRegister : struct, Enum => register.ToString().ToLowerInvariant();

    private static string LowerHalf(Gpr register) => register >= Gpr.R8 ? $"{Name(register)}d" : $"e{Name(register)[1..]}";

    private static string Number(int value) => $"0x{(long)value:x}";

    private static string Text(Address address)
    {
        var index = address.Index is { } register ? $"+{Name(register)}*{address.Scale}" : "";
        // Where the encoding needs a displacement, objdump shows it although it is zero.
        var shown = address.Displacement != 0 || address.Base is Gpr.Rbp or Gpr.R13;
        var sign = address.Displacement < 0 ? '-' : '+';
        var displacement = shown ? string.Create(CultureInfo.InvariantCulture, $"{sign}0x{Math.Abs((long)address.Displacement):x}") : "";
        return $"[{Name(address.Base)}{index}{displacement}]";
    }
}

/// <param name="Text">The instruction in objdump's words.</param>
/// <param name="Emit">Writes it.</param>
internal sealed record InstructionCase(string Text, Action<Assembler> Emit)
{
    internal byte[] Bytes()
    {
        var code = new Assembler();
        Emit(code);
        return code.Assemble();
    }
}
