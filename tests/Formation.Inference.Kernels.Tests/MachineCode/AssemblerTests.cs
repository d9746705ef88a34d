using Formation.Inference.Kernels.MachineCode;

namespace Formation.Inference.Kernels.Tests.MachineCode;

public sealed class AssemblerTests
{
    [Fact]
    public void Every_instruction_has_the_bytes_of_the_GNU_assembler()
    {
        var lines = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Golden", "instructions.txt"));
        var golden = lines.Select(line => line.Split('\t')).ToDictionary(parts => parts[0], parts => parts[1]);
        var cases = InstructionCases.All().ToArray();
        Assert.Equal(golden.Keys.Order(StringComparer.Ordinal), cases.Select(instruction => instruction.Text).Order(StringComparer.Ordinal));
        Assert.All(cases, instruction => Assert.Equal(golden[instruction.Text], Hex(instruction.Bytes())));
    }

    [Fact]
    public void Every_instruction_is_read_back_by_the_GNU_disassembler()
    {
        Binutils.Require();
        var cases = InstructionCases.All().ToArray();
        var code = new Assembler();
        foreach (var instruction in cases)
            instruction.Emit(code);
        Assert.Equal(cases.Select(instruction => instruction.Text), Binutils.Disassemble(code.Assemble()));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    public void A_jump_back_is_short_where_it_reaches_and_leads_to_its_label(int instructions)
    {
        var code = new Assembler();
        code.Ret();
        var begin = code.Here();
        for (var i = 0; i < instructions; i++)
            code.Add(Gpr.Rax, 1);
        code.Jcc(Condition.NotEqual, begin);
        var bytes = code.Assemble().AsSpan(1 + (4 * instructions));
        // Back over the jump itself and all that stands before it, at most 128 bytes in the short form.
        var distance = (4 * instructions) + bytes.Length;
        Assert.Equal(instructions < 32 ? 2 : 6, bytes.Length);
        Assert.Equal(instructions < 32 ? $"75{(byte)-distance:x2}" : $"0f85{Hex(BitConverter.GetBytes(-distance))}", Hex(bytes));
    }

    [Fact]
    public void A_jump_ahead_leads_to_the_place_that_its_label_gets()
    {
        var code = new Assembler();
        var end = code.NewLabel();
        code.Jcc(Condition.Below, end);
        code.Jmp(end);
        code.Ret();
        code.Bind(end);
        code.Ret();
        Assert.Equal("0f8206000000" + "e901000000" + "c3" + "c3", Hex(code.Assemble()));
    }

    [Fact]
    public void Every_condition_jumps_as_its_name_says()
    {
        Binutils.Require();
        var code = new Assembler();
        var begin = code.Here();
        foreach (var condition in Enum.GetValues<Condition>())
            code.Jcc(condition, begin);
        Assert.Equal(
            ["jb 0x0", "jae 0x0", "je 0x0", "jne 0x0", "jbe 0x0", "ja 0x0", "jl 0x0", "jge 0x0", "jle 0x0", "jg 0x0"],
            Binutils.Disassemble(code.Assemble()));
    }

    [Fact]
    public void Alignment_fills_with_instructions_that_do_nothing()
    {
        for (var length = 1; length <= 32; length++)
        {
            var code = new Assembler();
            for (var i = 0; i < length; i++)
                code.Ret();
            code.Align(16);
            Assert.Equal((length + 15) / 16 * 16, code.Length);
            if (Binutils.IsInstalled)
                Assert.All(Binutils.Disassemble(code.Assemble()).Skip(length), line => Assert.Matches("nop|xchg ax,ax", line));
        }
    }

    [Fact]
    public void A_label_is_bound_once_and_before_the_end()
    {
        var code = new Assembler();
        var label = code.NewLabel();
        code.Jmp(label);
        Assert.Throws<InvalidOperationException>(() => code.Assemble());
        code.Bind(label);
        Assert.Throws<InvalidOperationException>(() => code.Bind(label));
        Assert.Equal("e900000000", Hex(code.Assemble()));
    }

    [Fact]
    public void What_no_address_can_say_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Address.At(Gpr.Rax, Gpr.Rsp));
        Assert.Throws<ArgumentException>(() => Address.At(Gpr.Rax, Gpr.Rcx, scale: 3));
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
