using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Kernels.Tests.MachineCode;

/// <summary>Runs vector instructions that the processor has, and holds them against the same in plain C#.</summary>
public sealed unsafe class VectorCodeTests : IDisposable
{
    private const int Lanes = 16;

    private readonly uint* _memory = (uint*)NativeMemory.AlignedAlloc(4 * Lanes * sizeof(uint), 64);
    private readonly SplitMix64 _random = new(5);

    private Span<uint> Sums => new(_memory, Lanes);

    private Span<uint> Left => new(_memory + Lanes, Lanes);

    private Span<uint> Right => new(_memory + (2 * Lanes), Lanes);

    [Fact]
    public void Vpdpbusd_sums_products_of_unsigned_and_signed_bytes()
    {
        Require("AVX-512VNNI");
        static uint Expected(uint sum, uint left, uint right)
        {
            for (var shift = 0; shift < 32; shift += 8)
                sum = (uint)((int)sum + ((byte)(left >> shift) * (sbyte)(right >> shift)));
            return sum;
        }

        Check(Expected, broadcast: false, code => code.Vpdpbusd(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        Check(Expected, broadcast: false, code => code.Vpdpbusd(Zmm.Zmm0, Zmm.Zmm17, Address.At(Gpr.Rdi, 128)));
        Check(Expected, broadcast: true, code => code.Vpdpbusd(Zmm.Zmm0, Zmm.Zmm17, Address.At(Gpr.Rdi, 128).Broadcast()));
    }

    [Fact]
    public void Vpdpwssd_sums_products_of_signed_words()
    {
        Require("AVX-512VNNI");
        Check(
            (sum, left, right) => (uint)((int)sum + ((short)left * (short)right) + ((short)(left >> 16) * (short)(right >> 16))),
            broadcast: false,
            code => code.Vpdpwssd(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
    }

    [Fact]
    public void Vdpbf16ps_sums_products_of_bfloat16()
    {
        Require("AVX-512BF16");
        // Small whole numbers: every product and sum is exact, so the order of additions does not show.
        FillWith(() => Brain(_random) | (Brain(_random) << 16), sums: () => BitConverter.SingleToUInt32Bits((int)(_random.Next() % 64)));
        Check(
            (sum, left, right) => BitConverter.SingleToUInt32Bits(
                Single(sum) + (Single(left << 16) * Single(right << 16)) + (Single(left & 0xFFFF0000) * Single(right & 0xFFFF0000))),
            broadcast: true,
            code => code.Vdpbf16ps(Zmm.Zmm0, Zmm.Zmm17, Address.At(Gpr.Rdi, 128).Broadcast()),
            fill: false);

        static uint Brain(SplitMix64 random) => BitConverter.SingleToUInt32Bits((int)(random.Next() % 17) - 8) >> 16;
    }

    [Fact]
    public void Integer_instructions_compute_as_named()
    {
        Require("AVX-512BW");
        Check((_, left, right) => left ^ right, broadcast: false, code => code.Vpxord(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        Check((_, left, right) => left & right, broadcast: false, code => code.Vpandd(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        Check(
            (_, left, right) => left | right,
            broadcast: true,
            code => code.Vpord(Zmm.Zmm0, Zmm.Zmm17, Address.At(Gpr.Rdi, 128).Broadcast()));
        Check((_, left, right) => left + right, broadcast: false, code => code.Vpaddd(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        Check((_, left, right) => left - right, broadcast: false, code => code.Vpsubd(Zmm.Zmm0, Zmm.Zmm17, Address.At(Gpr.Rdi, 128)));
        Check((_, left, right) => left * right, broadcast: false, code => code.Vpmulld(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        Check(
            (_, left, _) => ((left >> 4) & 0x0FFF0000) | ((left & 0xFFFF) >> 4),
            broadcast: false,
            code => code.Vpsrlw(Zmm.Zmm0, Zmm.Zmm17, 4));
        Check((_, left, _) => left >> 16, broadcast: false, code => code.Vpsrld(Zmm.Zmm0, Zmm.Zmm17, 16));
        Check((_, left, _) => left << 16, broadcast: false, code => code.Vpslld(Zmm.Zmm0, Zmm.Zmm17, 16));
        Check((_, _, right) => right, broadcast: true, code => code.Vpbroadcastd(Zmm.Zmm0, Address.At(Gpr.Rdi, 128)));
        Check(
            (_, left, right) => (uint)Math.Max((int)left, (int)right),
            broadcast: false,
            code => code.Vpmaxsd(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        Check(
            (sum, left, right) => sum | (left & right),
            broadcast: false,
            code => code.Vpternlogd(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30, 0xF8));
        Check((_, _, _) => 77, broadcast: false, code =>
        {
            code.Mov(Gpr.R11, 77);
            code.Vpbroadcastd(Zmm.Zmm0, Gpr.R11);
        });
    }

    [Fact]
    public void Bytes_of_memory_become_numbers_of_32_bits_and_tables()
    {
        Require("AVX-512BW");
        FillWith(() => (uint)_random.Next(), () => (uint)_random.Next());
        var bytes = MemoryMarshal.AsBytes(Right).ToArray();
        var dwords = Right.ToArray();
        var lane = 0;
        Check((_, _, _) => bytes[lane++], broadcast: false, code => code.Vpmovzxbd(Zmm.Zmm0, Address.At(Gpr.Rdi, 128)), fill: false);
        lane = 0;
        Check(
            (_, _, _) => (uint)(sbyte)bytes[lane++], broadcast: false, code => code.Vpmovsxbd(Zmm.Zmm0, Address.At(Gpr.Rdi, 128)), fill: false);
        lane = 0;
        Check(
            (_, _, _) => dwords[lane++ % 4],
            broadcast: false,
            code => code.Vbroadcasti32x4(Zmm.Zmm0, Address.At(Gpr.Rdi, 128)),
            fill: false);

        FillWith(() => (uint)_random.Next() & 0x0F0F0F0F, () => 0);
        var tables = MemoryMarshal.AsBytes(Left).ToArray();
        lane = 0;
        Check(
            (_, _, indices) =>
            {
                var table = tables.AsSpan(lane++ / 4 * 16, 16);
                var found = 0u;
                for (var shift = 0; shift < 32; shift += 8)
                    found |= (uint)table[(byte)(indices >> shift)] << shift;
                return found;
            },
            broadcast: false,
            code => code.Vpshufb(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30),
            fill: false);
    }

    [Fact]
    public void Floating_point_instructions_compute_as_named()
    {
        Require("AVX-512F");
        Func<uint> number = () => BitConverter.SingleToUInt32Bits(((int)(_random.Next() % 2001) - 1000) / 64f);
        FillWith(number, number);
        CheckFloats((_, left, right) => left + right, code => code.Vaddps(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        CheckFloats((_, left, right) => left * right, code => code.Vmulps(Zmm.Zmm0, Zmm.Zmm17, Address.At(Gpr.Rdi, 128)));
        FillWith(number, number);
        CheckFloats(MultiplyAdd, code => code.Vfmadd231ps(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        FillWith(number, number);
        CheckFloats((sum, left, right) => MultiplyAdd(sum, -left, right), code => code.Vfnmadd231ps(Zmm.Zmm0, Zmm.Zmm17, Zmm.Zmm30));
        CheckFloats((_, left, _) => left, code => code.Vmovaps(Zmm.Zmm0, Zmm.Zmm17));
        var first = Single(Right[0]);
        CheckFloats((_, _, _) => first, code => code.Vbroadcastss(Zmm.Zmm0, Address.At(Gpr.Rdi, 128)));
        FillWith(() => (uint)_random.Next(), number);
        Check(
            (_, left, _) => BitConverter.SingleToUInt32Bits((int)left),
            broadcast: false,
            code => code.Vcvtdq2ps(Zmm.Zmm0, Zmm.Zmm17),
            fill: false);

        static float MultiplyAdd(float sum, float left, float right) => MathF.FusedMultiplyAdd(left, right, sum);
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private static float Single(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    private static void Require(string instructionSet) =>
        Assert.SkipUnless(CpuFeatures.Read().InstructionSets.Contains(instructionSet), $"this processor has no {instructionSet}");

    private void FillWith(Func<uint> operand, Func<uint> sums)
    {
        for (var i = 0; i < Lanes; i++)
            (Sums[i], Left[i], Right[i]) = (sums(), operand(), operand());
    }

    private void CheckFloats(Func<float, float, float, float> expected, Action<Assembler> instruction) => Check(
        (sum, left, right) => BitConverter.SingleToUInt32Bits(expected(Single(sum), Single(left), Single(right))),
        broadcast: false, instruction, fill: false);

    /// <summary>Runs one instruction on zmm0 (sums), zmm17 (left) and zmm30 or [rdi + 128] (right), its result in zmm0.</summary>
    private void Check(Func<uint, uint, uint, uint> expected, bool broadcast, Action<Assembler> instruction, bool fill = true)
    {
        if (fill)
            FillWith(() => (uint)_random.Next(), () => (uint)_random.Next());
        var wanted = new uint[Lanes];
        for (var i = 0; i < Lanes; i++)
            wanted[i] = expected(Sums[i], Left[i], broadcast ? Right[0] : Right[i]);

        var code = new Assembler();
        code.Vmovdqu32(Zmm.Zmm0, Address.At(Gpr.Rdi));
        code.Vmovups(Zmm.Zmm17, Address.At(Gpr.Rdi, 64));
        code.Vmovdqu8(Zmm.Zmm30, Address.At(Gpr.Rdi, 128));
        instruction(code);
        code.Vmovdqu32(Address.At(Gpr.Rdi, 192), Zmm.Zmm0);
        code.Vzeroupper();
        code.Ret();
        using var executable = ExecutableCode.TryLoad(code.Assemble());
        Assert.SkipWhen(executable is null, "this system lets no process make code");
        ((delegate* unmanaged<void*, void>)executable!.EntryPoint)(_memory);
        Assert.Equal(wanted, new Span<uint>(_memory + (3 * Lanes), Lanes).ToArray());
    }
}
