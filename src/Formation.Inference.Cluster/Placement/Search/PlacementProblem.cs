using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>One model, one request and one number of sequences a replica: what all searches for it share.</summary>
internal sealed class PlacementProblem
{
    private readonly Dictionary<(double Rows, double Positions, double Reads), StepCosts> _steps = [];

    public PlacementProblem(
        ModelShape model, PlacementRequest request, LinkTable links, CostAssumptions assumptions, int sequences)
    {
        (Model, Request, Links, Assumptions, Sequences) = (model, request, links, assumptions, sequences);
        Sums = new ModelSums(model);
        Memory = new MemoryCosts(model, Sums, request, sequences);
    }

    public ModelShape Model { get; }

    public PlacementRequest Request { get; }

    public LinkTable Links { get; }

    public CostAssumptions Assumptions { get; }

    /// <summary>Sequences of one replica at once.</summary>
    public int Sequences { get; }

    public ModelSums Sums { get; }

    public MemoryCosts Memory { get; }

    /// <summary>Sequences whose tokens the search makes soonest.</summary>
    public int SequencesThatCount => Request.Goal == PlacementGoal.OneStream ? 1 : Sequences;

    /// <summary>A step of decoding.</summary>
    /// <param name="rows">Sequences in it.</param>
    public StepCosts Decode(int rows) => Step(rows, Math.Min(Request.PromptLength, Request.ContextLength), rows);

    /// <summary>A step of a prompt.</summary>
    /// <param name="rows">Positions in it.</param>
    public StepCosts Prefill(int rows) => Step(rows, Math.Min(Request.PromptLength, Request.ContextLength) / 2.0, 1);

    /// <summary>Batches under way at once over a number of stages, and the sequences in each.</summary>
    public static (int Batches, int Rows) BatchesOf(int sequences, int stages)
    {
        var batches = Math.Min(sequences, stages);
        return (batches, (sequences + batches - 1) / batches);
    }

    /// <summary>The costs of chains of so many stages.</summary>
    public ChainCosts Chains(IReadOnlyList<Place> places, int stages)
    {
        var (batches, rows) = BatchesOf(SequencesThatCount, stages);
        return new ChainCosts(places, stages, batches, Memory, Decode(rows), rows);
    }

    private StepCosts Step(double rows, double positions, double reads)
    {
        if (!_steps.TryGetValue((rows, positions, reads), out var costs))
            _steps[(rows, positions, reads)] = costs = new StepCosts(Model, Sums, Links, Request, Assumptions, rows, positions, reads);
        return costs;
    }
}
