using Formation.Inference.Kernels.MachineCode;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>Hands out the vector registers of code that is being written, and writes the instructions that compute expressions.</summary>
/// <param name="blocks">The register that addresses count from.</param>
internal sealed class QuadRegisters(Assembler code, Gpr blocks)
{
    private const int TableBytes = 16;

    // What the System V convention leaves a function without a frame of its own, below the stack pointer.
    private const int RedZone = -64;

    private readonly Stack<Zmm> _free = new(Enum.GetValues<Zmm>().Reverse());
    private readonly Dictionary<QuadExpression, Zmm> _constants = [];

    /// <summary>A register that nothing else uses until it is given back.</summary>
    internal Zmm Take() => _free.Pop();

    internal void Give(Zmm register) => _free.Push(register);

    /// <summary>Loads what does not change into registers that keep it. Uses <see cref="Gpr.Rax"/>.</summary>
    internal void LoadConstants(IEnumerable<QuadExpression> expressions)
    {
        foreach (var constant in expressions.SelectMany(expression => expression.WithOperands()).Where(part => part.IsConstant).Distinct())
            _constants[constant] = constant.Operation == QuadOperation.Table ? Table(constant.Bytes) : Broadcast(constant.Number);
    }

    /// <summary>A register with a dword in all lanes. Uses <see cref="Gpr.Rax"/>.</summary>
    internal Zmm Broadcast(int value)
    {
        var register = Take();
        code.Mov(Gpr.Rax, value);
        code.Vpbroadcastd(register, Gpr.Rax);
        return register;
    }

    /// <summary>Computes expressions, sharing what they have in common, and uses each as soon as it is there.</summary>
    internal void Compute(IReadOnlyList<QuadExpression> expressions, Action<int, Zmm> use)
    {
        var uses = new Dictionary<QuadExpression, int>();
        foreach (var expression in expressions)
            CountUses(expression, uses);
        var values = new Dictionary<QuadExpression, Zmm>();
        for (var i = 0; i < expressions.Count; i++)
        {
            use(i, Compute(expressions[i], uses, values));
            Release(expressions[i], uses, values);
        }
    }

    private static void CountUses(QuadExpression expression, Dictionary<QuadExpression, int> uses)
    {
        uses[expression] = uses.GetValueOrDefault(expression) + 1;
        if (uses[expression] > 1)
            return;
        foreach (var operand in Operands(expression))
            CountUses(operand, uses);
    }

    private Zmm Compute(QuadExpression expression, Dictionary<QuadExpression, int> uses, Dictionary<QuadExpression, Zmm> values)
    {
        if (_constants.TryGetValue(expression, out var constant))
            return constant;
        if (values.TryGetValue(expression, out var known))
            return known;
        if (expression is { Operation: QuadOperation.Or, Right: { Operation: QuadOperation.And } masked } && uses[masked] == 1)
            return values[expression] = WriteOrAnd(expression.Left!, masked, uses, values);
        var operands = Operands(expression).Select(operand => Compute(operand, uses, values)).ToArray();
        foreach (var operand in Operands(expression))
            Release(operand, uses, values);
        // The result may take an operand's place: an instruction reads before it writes.
        return values[expression] = Write(expression, operands);
    }

    /// <summary>left | (a &amp; b) as one instruction, which overwrites the left operand.</summary>
    private Zmm WriteOrAnd(
        QuadExpression left, QuadExpression masked, Dictionary<QuadExpression, int> uses, Dictionary<QuadExpression, Zmm> values)
    {
        const byte orAnd = 0xF8;
        var result = Compute(left, uses, values);
        var operands = Operands(masked).Select(operand => Compute(operand, uses, values)).ToArray();
        if (uses[left] > 1 || left.IsConstant)
        {
            result = Take();
            code.Vmovaps(result, Compute(left, uses, values));
        }
        code.Vpternlogd(result, operands[0], operands[1], orAnd);
        // What is overwritten is the result's now.
        if (!left.IsConstant && --uses[left] == 0)
            values.Remove(left);
        foreach (var operand in Operands(masked))
            Release(operand, uses, values);
        return result;
    }

    private void Release(QuadExpression expression, Dictionary<QuadExpression, int> uses, Dictionary<QuadExpression, Zmm> values)
    {
        if (--uses[expression] == 0 && values.Remove(expression, out var register))
            Give(register);
    }

    private Zmm Write(QuadExpression expression, Zmm[] operands)
    {
        var result = Take();
        switch (expression.Operation)
        {
            case QuadOperation.Load: code.Vmovdqu32(result, Address.At(blocks, expression.Number)); break;
            case QuadOperation.And: code.Vpandd(result, operands[0], operands[1]); break;
            case QuadOperation.Or: code.Vpord(result, operands[0], operands[1]); break;
            case QuadOperation.ExclusiveOr: code.Vpxord(result, operands[0], operands[1]); break;
            case QuadOperation.Multiply: code.Vpmulld(result, operands[0], operands[1]); break;
            case QuadOperation.ShiftRight: code.Vpsrld(result, operands[0], (byte)expression.Number); break;
            case QuadOperation.ShiftLeft: code.Vpslld(result, operands[0], (byte)expression.Number); break;
            case QuadOperation.LookUp: code.Vpshufb(result, operands[0], operands[1]); break;
            default: throw new InvalidOperationException($"{expression.Operation} was not loaded as a constant");
        }
        return result;
    }

    private Zmm Table(UInt128 bytes)
    {
        var register = Take();
        for (var i = 0; i < TableBytes; i += sizeof(int))
        {
            // Each store writes four bytes beyond its own, which the next one overwrites.
            code.Mov(Gpr.Rax, (int)(uint)(bytes >> (8 * i)));
            code.Mov(Address.At(Gpr.Rsp, RedZone + i), Gpr.Rax);
        }
        code.Vbroadcasti32x4(register, Address.At(Gpr.Rsp, RedZone));
        return register;
    }

    private static IEnumerable<QuadExpression> Operands(QuadExpression expression)
    {
        if (expression.Left is { } left)
            yield return left;
        if (expression.Right is { } right)
            yield return right;
    }
}
