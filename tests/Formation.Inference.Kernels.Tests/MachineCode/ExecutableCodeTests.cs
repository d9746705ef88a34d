using System.Runtime.InteropServices;
using Formation.Inference.Kernels.MachineCode;

namespace Formation.Inference.Kernels.Tests.MachineCode;

public sealed unsafe class ExecutableCodeTests
{
    [Fact]
    public void Loaded_code_can_be_called_and_gives_its_result()
    {
        RequireX64();
        var code = new Assembler();
        code.Lea(Gpr.Rax, Address.At(Gpr.Rdi, Gpr.Rsi, 4, 5));
        code.Ret();
        using var executable = Load(code);
        var function = (delegate* unmanaged<long, long, long>)executable.EntryPoint;
        Assert.Equal(7 + (4 * 11) + 5, function(7, 11));
    }

    [Fact]
    public void Loops_and_jumps_ahead_run_as_written()
    {
        RequireX64();
        var code = new Assembler();
        var end = code.NewLabel();
        code.Push(Gpr.Rbx);
        code.Mov(Gpr.Rbx, 0);
        code.Test(Gpr.Rdi, Gpr.Rdi);
        code.Jcc(Condition.Equal, end);
        code.Align(16);
        var next = code.Here();
        code.Add(Gpr.Rbx, Gpr.Rdi);
        code.Sub(Gpr.Rdi, 1);
        code.Jcc(Condition.NotEqual, next);
        code.Bind(end);
        code.Mov(Gpr.Rax, Gpr.Rbx);
        code.Pop(Gpr.Rbx);
        code.Ret();
        using var executable = Load(code);
        var sumUpTo = (delegate* unmanaged<long, long>)executable.EntryPoint;
        Assert.Equal(0, sumUpTo(0));
        Assert.Equal(5050, sumUpTo(100));
    }

    [Fact]
    public void The_memory_is_executable_and_not_writable()
    {
        RequireX64();
        var code = new Assembler();
        code.Ret();
        using var executable = Load(code);
        var address = (ulong)executable.EntryPoint;
        var mapping = File.ReadLines("/proc/self/maps").Single(line => Covers(line, address));
        Assert.Equal("r-xp", mapping.Split(' ')[1]);
    }

    [Fact]
    public void Disposed_code_is_given_back_and_has_no_address()
    {
        RequireX64();
        var pages = new RefusingPages(refuseMapping: false, refuseExecution: false);
        var executable = ExecutableCode.TryLoad([0xC3], pages)!;
        executable.Dispose();
        executable.Dispose();
        Assert.Equal(0, pages.Mapped);
        Assert.Throws<ObjectDisposedException>(() => (nint)executable.EntryPoint);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_system_that_refuses_gives_no_code_and_keeps_no_memory(bool refuseMapping, bool refuseExecution)
    {
        var pages = new RefusingPages(refuseMapping, refuseExecution);
        Assert.Null(ExecutableCode.TryLoad([0xC3], pages));
        Assert.Equal(0, pages.Mapped);
    }

    [Fact]
    public void Code_longer_than_a_page_is_loaded_whole()
    {
        RequireX64();
        var code = new Assembler();
        code.Mov(Gpr.Rax, 0);
        for (var i = 0; i < 5000; i++)
            code.Add(Gpr.Rax, 1);
        code.Ret();
        using var executable = Load(code);
        Assert.Equal(5000, ((delegate* unmanaged<long>)executable.EntryPoint)());
    }

    [Fact]
    public void No_code_is_refused() => Assert.Throws<ArgumentException>(() => ExecutableCode.TryLoad([]));

    private static void RequireX64() =>
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the machine code is for x86-64");

    private static ExecutableCode Load(Assembler code)
    {
        var executable = ExecutableCode.TryLoad(code.Assemble());
        Assert.SkipWhen(executable is null, "this system lets no process make code");
        return executable!;
    }

    private static bool Covers(string mapping, ulong address)
    {
        var ends = mapping.Split(' ')[0].Split('-').Select(end => Convert.ToUInt64(end, 16)).ToArray();
        return ends[0] <= address && address < ends[1];
    }

    private sealed class RefusingPages(bool refuseMapping, bool refuseExecution) : ICodePages
    {
        internal int Mapped { get; private set; }

        public byte* TryMap(nuint bytes)
        {
            if (refuseMapping)
                return null;
            Mapped++;
            return SystemCodePages.Instance.TryMap(bytes);
        }

        public bool TryMakeExecutable(byte* pages, nuint bytes) =>
            !refuseExecution && SystemCodePages.Instance.TryMakeExecutable(pages, bytes);

        public void Unmap(byte* pages, nuint bytes)
        {
            Mapped--;
            SystemCodePages.Instance.Unmap(pages, bytes);
        }
    }
}
