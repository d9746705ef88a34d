using Formation.Inference.Engine.Stages;
using Formation.Inference.Testing.Stages;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>A sequence of a script.</summary>
/// <param name="Sequence">Inputs and blocks.</param>
/// <param name="PromptLength">Positions of the prompt.</param>
internal sealed record ScriptedSequence(StageSequence Sequence, int PromptLength);

/// <summary>
/// Rounds of batches that are under way together, as an engine would run them: prompts in chunks, then one position after the other, two
/// sequences with a common first block, and batches of several sequences.
/// </summary>
internal static class Script
{
    public static ScriptedSequence A { get; } = new(new StageSequence(1, 11, [4, 9, 2, 7]), 40);

    /// <summary>Begins like <see cref="A"/>, whose first block it shares.</summary>
    public static ScriptedSequence B { get; } = new(new StageSequence(2, 11, [4, 1, 0]), 20);

    public static ScriptedSequence C { get; } = new(new StageSequence(3, 33, [20, 21]), 9);

    public static IReadOnlyList<ScriptedSequence> All { get; } = [A, B, C];

    /// <summary>The first round that only generates.</summary>
    public const int FirstDecode = 3;

    public static StagePart[][][] Rounds { get; } =
    [
        [[Prompt(A, 0, 17)], [Prompt(C, 0, 4)]],
        [[Prompt(A, 17, 23), Prompt(B, 16, 4)], [Prompt(C, 4, 5)]],
        [[Next(A, 40)], [Next(B, 20), Next(C, 9)]],
        [[Next(A, 41), Next(B, 21)], [Next(C, 10)]],
        [[Next(A, 42), Next(B, 22)], [Next(C, 11)]],
        [[Next(C, 12)], [Next(A, 43)], [Next(B, 23)]],
        [[Next(A, 44), Next(B, 24), Next(C, 13)]],
    ];

    static StagePart Prompt(ScriptedSequence sequence, int first, int count) => new(sequence.Sequence, first, count);

    static StagePart Next(ScriptedSequence sequence, int position) => new(sequence.Sequence, position, 1, SliceKind.Decode);
}

/// <summary>Runs the script on a stage. A loss is answered as an engine answers it: recover, and compute again what had no result.</summary>
internal sealed class ScriptRun(IModelStage stage, int width)
{
    readonly Dictionary<long, int> _lengths = [];
    long _step;

    /// <summary>Called when all batches of a round have begun, with its number; not again when the round is repeated.</summary>
    public Func<int, Task> During { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Called before a round.</summary>
    public Action<int> Before { get; init; } = static _ => { };

    /// <summary>Waits for something that only passing time brings; by default nothing does.</summary>
    public Func<Task, Task> Await { get; init; } = static task => task;

    public List<StageLostException> Losses { get; } = [];

    /// <summary>Positions that were stored when the last loss was repaired, blocks in common counted once.</summary>
    public int StoredAtLoss { get; private set; }

    /// <summary>All outputs by sequence and position.</summary>
    public async Task<SortedDictionary<(long Sequence, int Position), float[]>> RunAsync()
    {
        var outputs = new SortedDictionary<(long, int), float[]>();
        for (var round = 0; round < Script.Rounds.Length; round++)
        {
            Before(round);
            var isFirst = true;
            for (var open = Script.Rounds[round].ToList(); open.Count > 0; isFirst = false)
                open = await RunAsync(open, outputs, isFirst ? round : -1);
        }
        return outputs;
    }

    async Task<List<StagePart[]>> RunAsync(List<StagePart[]> batches, SortedDictionary<(long, int), float[]> outputs, int round)
    {
        var begun = new List<(StagePart[] Parts, Activations Activations, Task Task)>();
        foreach (var parts in batches)
            begun.Add(Begin(parts));
        if (round >= 0)
            await During(round);
        var open = new List<StagePart[]>();
        foreach (var (parts, activations, task) in begun)
        {
            try
            {
                await Await(task);
                Keep(parts, activations, outputs);
            }
            catch (StageLostException loss)
            {
                Losses.Add(loss);
                open.Add(parts);
            }
        }
        if (open.Count > 0)
        {
            var stored = Stored();
            StoredAtLoss = stored.Sum(sequence => sequence.Length) - (_lengths.GetValueOrDefault(2) > 0 ? TinyBlock : 0);
            await Await(stage.RecoverAsync(stored, CancellationToken.None).AsTask());
        }
        return open;
    }

    const int TinyBlock = 16;

    (StagePart[] Parts, Activations Activations, Task Task) Begin(StagePart[] parts)
    {
        var activations = new Activations(TinyChain.MaxRows, width);
        activations.SetRows(parts.Sum(part => part.Count));
        var slices = new List<BatchSlice>();
        var row = 0;
        foreach (var part in parts)
        {
            slices.Add(new BatchSlice(part.Sequence.Id, part.Kind, row, part.Count, part.FirstPosition, part.Sequence.Blocks));
            for (var i = 0; i < part.Count; i++)
                part.Sequence.Input(part.FirstPosition + i, width).CopyTo(activations.Row(row++));
        }
        try
        {
            return (parts, activations, stage.ForwardAsync(new Batch(_step++, slices), activations, CancellationToken.None).AsTask());
        }
        catch (StageLostException loss)
        {
            return (parts, activations, Task.FromException(loss));
        }
    }

    void Keep(StagePart[] parts, Activations activations, SortedDictionary<(long, int), float[]> outputs)
    {
        var row = 0;
        foreach (var part in parts)
        {
            for (var i = 0; i < part.Count; i++)
                outputs[(part.Sequence.Id, part.FirstPosition + i)] = activations.Row(row++).ToArray();
            _lengths[part.Sequence.Id] = part.FirstPosition + part.Count;
        }
    }

    List<StoredSequence> Stored() =>
    [
        .. Script.All.Where(scripted => _lengths.ContainsKey(scripted.Sequence.Id)).Select(scripted => new StoredSequence(
            scripted.Sequence.Id, scripted.PromptLength, _lengths[scripted.Sequence.Id], scripted.Sequence.Blocks)),
    ];
}
