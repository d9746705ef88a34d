using Formation.Inference.Engine.Sequences;
using Formation.Inference.Engine.Speculation;

namespace Formation.Inference.Engine.Tests.Speculation;

/// <summary>Knows how sequences go on, from an earlier run, and errs now and then.</summary>
/// <param name="known">The completion of each prompt and choice.</param>
/// <param name="random">When to err.</param>
/// <param name="errors">How often a token is wrong, 0 to 1.</param>
internal sealed class OracleDrafter(IReadOnlyDictionary<(string Prompt, int Choice), int[]> known, Random random, double errors) : IDrafter
{
    public string Name => "oracle";

    /// <summary>The longest draft so far.</summary>
    public int Longest { get; private set; }

    public static string KeyOf(IEnumerable<int> prompt) => string.Join(',', prompt);

    public void Draft(IReadOnlyList<DraftTarget> targets)
    {
        foreach (var (sequence, _, limit) in targets)
        {
            var completion = known[(KeyOf(sequence.Group.Prompt), sequence.Choice)];
            foreach (var token in completion.Skip(sequence.CompletionLength).Take(limit))
                sequence.Draft.Add(random.NextDouble() < errors ? (token + 1) % 250 : token);
            Longest = Math.Max(Longest, sequence.Draft.Count);
        }
    }

    public void Release()
    {
    }
}

/// <summary>Guesses anything: no tokens of the vocabulary, more than it may, ends of generation, and always wrong.</summary>
internal sealed class HostileDrafter(Random random) : IDrafter
{
    static readonly int[] NoTokens = [-1, int.MinValue, int.MaxValue, 300, 1 << 20];

    public string Name => "hostile";

    public void Draft(IReadOnlyList<DraftTarget> targets)
    {
        foreach (var (sequence, _, limit) in targets)
            for (var count = random.Next(limit * 3); count > 0; count--)
                sequence.Draft.Add(random.Next(8) == 0 ? NoTokens[random.Next(NoTokens.Length)] : random.Next(300));
    }

    public void Release()
    {
    }
}

/// <summary>Guesses some tokens and then fails.</summary>
internal sealed class FailingDrafter(int calls) : IDrafter
{
    public string Name => "failing";

    /// <summary>How often it was asked.</summary>
    public int Calls { get; private set; }

    public void Draft(IReadOnlyList<DraftTarget> targets)
    {
        targets[0].Sequence.Draft.Add(1);
        if (++Calls == calls)
            throw new InvalidOperationException("out of guesses");
    }

    public void Release()
    {
    }
}

/// <summary>Always guesses the same token, as often as it may.</summary>
internal sealed class ConstantDrafter(int token) : IDrafter
{
    public string Name => "constant";

    /// <summary>What was asked for, call by call and target by target.</summary>
    public List<int> Limits { get; } = [];

    /// <summary>Sequences that it was told of, and that have not ended.</summary>
    public HashSet<Sequence> Held { get; } = [];

    public void Draft(IReadOnlyList<DraftTarget> targets)
    {
        foreach (var (sequence, _, limit) in targets)
        {
            Limits.Add(limit);
            Held.Add(sequence);
            sequence.Draft.AddRange(Enumerable.Repeat(token, limit));
        }
    }

    public void Release() => Held.RemoveWhere(sequence => sequence.State == SequenceState.Finished);
}
