using System.Runtime.InteropServices;
using Formation.Inference.Kernels.MachineCode;
using Formation.Inference.Kernels.Packing;
using Formation.Inference.Kernels.Vectors;
using static Formation.Inference.Kernels.MachineCode.Gpr;

namespace Formation.Inference.Kernels.Tiles;

/// <summary>
/// Writes the machine code of <see cref="StripDot{TQuads, TFloats, TFormat}"/> for processors with AVX512_VNNI. The levels' unpacking is the
/// format's own, recorded step by step; a block is one stretch of code without loops.
/// </summary>
internal sealed unsafe class StripCodeWriter<TFormat>
    where TFormat : struct, IIntegerFormat
{
    private const int LoopBegin = 64;
    private const int OnePair = 0x00010001;

    // The arguments come in rdi.
    private const Gpr Block = Rsi, Inputs = Rdx, InputScales = Rcx, InputSums = R8, GroupBytes = R9, Blocks = R10;

    private readonly Assembler _code = new();
    private readonly QuadRegisters _registers;
    private readonly Zmm _total, _inputScale, _one, _ones, _minusZero;

    private StripCodeWriter()
    {
        _registers = new(_code, Block);
        _total = _registers.Take();
        _inputScale = _registers.Take();
        _one = _registers.Broadcast(1);
        _ones = _registers.Broadcast(OnePair);
        _minusZero = _registers.Broadcast((ushort)-TFormat.Zero | (-TFormat.Zero << 16));
    }

    private static bool HasGroups => Groups > 1;

    private static int Groups => TFormat.BlockColumns / TFormat.GroupColumns;

    private static int Steps => TFormat.BlockColumns / 4 / TFormat.Runs;

    private static int StretchSteps => TFormat.RunColumns / 4;

    // Blocks without groups are read front to back, and the processor follows by itself: every fourth line keeps it going, while asking for
    // each would fill the queue that the loads need. Blocks with groups are read in several places, where only asking for every line helps.
    private static (int Bytes, int EveryLines) Ahead => HasGroups ? (8 * 1024, 1) : (4 * 1024, 4);

    /// <summary>The code for <see cref="StripCodeArguments"/>.</summary>
    internal static byte[] Write()
    {
        var writer = new StripCodeWriter<TFormat>();
        writer.WriteAll();
        return writer._code.Assemble();
    }

    private void WriteAll()
    {
        Load(Block, nameof(StripCodeArguments.Strip));
        Load(Blocks, nameof(StripCodeArguments.Blocks));
        Load(Inputs, nameof(StripCodeArguments.Inputs));
        Load(InputScales, nameof(StripCodeArguments.InputScales));
        Load(InputSums, nameof(StripCodeArguments.InputSums));
        Load(GroupBytes, nameof(StripCodeArguments.Groups));
        var steps = Enumerable.Range(0, Steps).Select(Levels).ToArray();
        _registers.LoadConstants(steps.SelectMany(levels => levels));
        Load(Rax, nameof(StripCodeArguments.Sums));
        _code.Vmovups(_total, Address.At(Rax));

        _code.Align(LoopBegin);
        var block = _code.Here();
        _code.Vbroadcastss(_inputScale, Address.At(InputScales));
        if (HasGroups)
            WriteGroups(steps);
        else
            WriteBlock(steps);
        _code.Add(Block, Strip.Outputs * TFormat.BlockBytes);
        _code.Add(Inputs, TFormat.BlockColumns);
        _code.Add(InputScales, sizeof(float));
        _code.Add(InputSums, Groups * sizeof(int));
        if (HasGroups)
            _code.Add(GroupBytes, Argument(nameof(StripCodeArguments.GroupStride)));
        _code.Sub(Blocks, 1);
        _code.Jcc(Condition.NotEqual, block);

        _code.Vmovups(Address.At(Rax), _total);
        _code.Vzeroupper();
        _code.Ret();
    }

    private void WriteBlock(QuadExpression[][] steps)
    {
        var sum = Cleared();
        // The zero level's products are taken off first: a pair of input sums times minus the level.
        if (TFormat.Zero != 0)
            _code.Vpdpwssd(sum, _minusZero, Address.At(InputSums).Broadcast());
        for (var step = 0; step < Steps; step++)
            WriteStep(steps[step], step, _ => sum);
        var (scale, offset) = Scales();
        var factor = LoadScale(scale);
        _code.Vmulps(factor, factor, _inputScale);
        AddProduct(scale, sum, factor);
        _registers.Give(sum);
        _registers.Give(factor);
        if (offset is null)
            return;
        var inputSum = Cleared();
        _code.Vpdpwssd(inputSum, _ones, Address.At(InputSums).Broadcast());
        factor = LoadScale(offset);
        _code.Vcvtdq2ps(inputSum, inputSum);
        _code.Vmulps(inputSum, inputSum, _inputScale);
        _code.Vfmadd231ps(_total, inputSum, factor);
        _registers.Give(inputSum);
        _registers.Give(factor);
    }

    private void WriteGroups(QuadExpression[][] steps)
    {
        var parts = new Dictionary<int, Zmm>();
        var quads = new Dictionary<int, int>();
        var sum = Cleared();
        var offsets = Cleared();
        for (var step = 0; step < Steps; step++)
        {
            WriteStep(steps[step], step, column =>
            {
                var group = column / TFormat.GroupColumns;
                quads[group] = quads.GetValueOrDefault(group) + 1;
                return parts.TryGetValue(group, out var part) ? part : parts[group] = Cleared();
            });
            foreach (var group in parts.Keys.Where(group => quads[group] == TFormat.GroupColumns / 4).ToArray())
            {
                parts.Remove(group, out var part);
                AddGroup(group, part, sum, offsets);
            }
        }
        var (scale, offset) = Scales();
        foreach (var (value, expression) in new[] { (sum, scale), (offsets, offset!) })
        {
            var factor = LoadScale(expression);
            _code.Vmulps(factor, factor, _inputScale);
            AddProduct(expression, value, factor);
            _registers.Give(factor);
            _registers.Give(value);
        }
    }

    /// <summary>Multiplies a group's products by its scale, and its minimum by the inputs' sum.</summary>
    private void AddGroup(int group, Zmm part, Zmm sum, Zmm offset)
    {
        var place = group * Strip.Outputs;
        var scale = _registers.Take();
        if (TFormat.Zero != 0)
            _code.Vpmovsxbd(scale, Address.At(GroupBytes, place));
        else
            _code.Vpmovzxbd(scale, Address.At(GroupBytes, place));
        _code.Vpmulld(part, part, scale);
        _code.Vpaddd(sum, sum, part);
        if (TFormat.Zero == 0)
            _code.Vpmovzxbd(scale, Address.At(GroupBytes, Groups * Strip.Outputs + place));
        _code.Vpmulld(scale, scale, Address.At(InputSums, group * sizeof(int)).Broadcast());
        _code.Vpaddd(offset, offset, scale);
        _registers.Give(scale);
        _registers.Give(part);
    }

    /// <summary>Adds a quad of each run to the part of its column, and asks for a piece of a later block.</summary>
    private void WriteStep(QuadExpression[] levels, int step, Func<int, Zmm> partOf)
    {
        const int line = Prefetch.LineBytes;
        var lines = (Strip.Outputs * TFormat.BlockBytes + line - 1) / line;
        for (var i = step * lines / Steps; i < (step + 1) * lines / Steps; i++)
        {
            if (i % Ahead.EveryLines == 0)
                _code.Prefetcht1(Address.At(Block, Ahead.Bytes + i * line));
        }
        var first = step / StretchSteps * StretchSteps * 4 * TFormat.Runs + step % StretchSteps * 4;
        _registers.Compute(levels, (run, level) =>
        {
            var column = first + run * TFormat.RunColumns;
            _code.Vpdpbusd(partOf(column), level, Address.At(Inputs, column).Broadcast());
        });
    }

    /// <summary>total += float(value) · factor, or what is left of it where the scale is to be negated.</summary>
    private void AddProduct(ScaleExpression scale, Zmm value, Zmm factor)
    {
        _code.Vcvtdq2ps(value, value);
        if (scale.IsNegated)
            _code.Vfnmadd231ps(_total, value, factor);
        else
            _code.Vfmadd231ps(_total, value, factor);
    }

    /// <summary>The magnitudes of sixteen scales: a negated one is subtracted later.</summary>
    private Zmm LoadScale(ScaleExpression scale)
    {
        var result = _registers.Take();
        var place = Address.At(Block, scale.Displacement);
        if (!scale.IsPower)
        {
            _code.Vcvtph2ps(result, place);
            return result;
        }
        // As Floats512.LoadHalfPowers: the larger is the normal number from an exponent of 2 on, the subnormal before.
        var subnormal = _registers.Take();
        _code.Vpmovzxbd(result, place);
        _code.Vpaddd(subnormal, result, _one);
        _code.Vpsubd(result, result, _one);
        _code.Vpslld(subnormal, subnormal, 21);
        _code.Vpslld(result, result, 23);
        _code.Vpmaxsd(result, result, subnormal);
        _registers.Give(subnormal);
        return result;
    }

    private static (ScaleExpression Scale, ScaleExpression? Offset) Scales()
    {
        var (scale, offset) = TFormat.Scales<RecordedScales>(null, 0);
        return (scale.Expression!, offset.Expression);
    }

    private static QuadExpression[] Levels(int step)
    {
        var levels = TFormat.Levels<RecordedQuads>(null, (nuint)step, 0);
        RecordedQuads[] all = [levels.First, levels.Second, levels.Third, levels.Fourth];
        return [.. all.Take(TFormat.Runs).Select(quads => quads.Expression)];
    }

    private Zmm Cleared()
    {
        var register = _registers.Take();
        _code.Vpxord(register, register, register);
        return register;
    }

    private void Load(Gpr register, string field) => _code.Mov(register, Argument(field));

    private static Address Argument(string field) => Address.At(Rdi, (int)Marshal.OffsetOf<StripCodeArguments>(field));
}
