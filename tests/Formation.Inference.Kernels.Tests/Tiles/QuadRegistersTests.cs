using System.Runtime.InteropServices;
using Formation.Inference.Kernels.Machine;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Tiles;

namespace Formation.Inference.Kernels.Tests.Tiles;

/// <summary>Runs what <see cref="QuadRegisters"/> writes and holds it against the same in plain C#.</summary>
public sealed unsafe class QuadRegistersTests : IDisposable
{
    private const int Lanes = 16;
    private const int VectorBytes = Lanes * sizeof(uint);

    private readonly uint* _memory = (uint*)NativeMemory.AlignedAlloc(8 * VectorBytes, VectorBytes);

    private static RecordedQuads First => RecordedQuads.Load((void*)0);

    private static RecordedQuads Second => RecordedQuads.Load((void*)VectorBytes);

    [Fact]
    public void Each_operation_computes_as_named()
    {
        Check((a, b) => a & b, First & Second);
        Check((a, b) => a | b, First | Second);
        Check((a, b) => a ^ b, First ^ Second);
        Check((a, b) => a * b, First * Second);
        Check((a, _) => a >> 3, RecordedQuads.ShiftRight(First, 3));
        Check((a, _) => a, RecordedQuads.ShiftRightBy(First, 0));
        Check((a, _) => a << 5, RecordedQuads.ShiftLeft(First, 5));
        Check((a, _) => a & 0x0F0F0F0F, First & RecordedQuads.Broadcast(0x0F0F0F0F));
        Check(
            (a, _) => (a & 0x0F0F0F0F) * 3 + 0x80808080,
            RecordedQuads.LookUp(
                RecordedQuads.Table([.. Enumerable.Range(0, 16).Select(i => (byte)(128 + 3 * i))]),
                First & RecordedQuads.Broadcast(0x0F0F0F0F)));
    }

    [Fact]
    public void What_is_used_again_is_kept_where_an_instruction_overwrites_its_operand()
    {
        var mask = RecordedQuads.Broadcast(0x00FF00FF);
        Check((a, b) => a | (b & 0x00FF00FF), First | (Second & mask));
        Check((a, b) => (a | (b & a)) ^ a, (First | (Second & First)) ^ First);
        Check((a, b) => 0x00FF00FF | (a & b), mask | (First & Second));
        Check((a, b) => (a | (a & b)) ^ (a & b), (First | (First & Second)) ^ (First & Second));
        Check((a, b) => (a | (b & 0x00FF00FF)) * 0x00FF00FF, (First | (Second & mask)) * mask);
    }

    [Fact]
    public void Expressions_computed_together_share_their_parts_and_leave_no_register_taken()
    {
        var code = new Assembler();
        var registers = new QuadRegisters(code, Gpr.Rdi);
        var shared = First ^ Second;
        var expressions = Enumerable.Range(1, 8).Select(i => RecordedQuads.ShiftRightBy(shared, i).Expression).ToArray();
        var used = new List<Zmm>();
        for (var repeat = 0; repeat < 20; repeat++)
            registers.Compute(expressions, (_, register) => used.Add(register));
        Assert.Equal(160, used.Count);
        Assert.Equal(32, Enumerable.Range(0, 32).Select(_ => registers.Take()).Distinct().Count());
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    private void Check(Func<uint, uint, uint> expected, RecordedQuads quads)
    {
        Assert.SkipUnless(CpuFeatures.Read().InstructionSets.Contains("AVX-512BW"), "this processor has no AVX-512BW");
        var random = new Random(7);
        for (var i = 0; i < 2 * Lanes; i++)
            _memory[i] = (uint)random.NextInt64(1L << 32);
        var code = new Assembler();
        var registers = new QuadRegisters(code, Gpr.Rdi);
        registers.LoadConstants([quads.Expression]);
        registers.Compute([quads.Expression], (_, register) => code.Vmovdqu32(Address.At(Gpr.Rdi, 2 * VectorBytes), register));
        code.Vzeroupper();
        code.Ret();
        using var executable = ExecutableCode.TryLoad(code.Assemble());
        Assert.SkipWhen(executable is null, "this system lets no process make code");
        ((delegate* unmanaged<void*, void>)executable!.EntryPoint)(_memory);
        for (var i = 0; i < Lanes; i++)
            Assert.Equal(expected(_memory[i], _memory[Lanes + i]), _memory[2 * Lanes + i]);
    }
}
