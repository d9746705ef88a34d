using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Placement.Words;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Writes a found plan out: bytes, speeds, links, notes.</summary>
internal sealed class PlanBuilder(LinkTable links, IReadOnlyList<Place> places)
{
    public PlacementPlan Build(Candidate candidate)
    {
        var request = candidate.Problem.Request;
        PlacementPlan plan = new()
        {
            Replicas = [.. candidate.Replicas.Select(chain => Replica(candidate.Problem, chain))],
            Spares = SpareChoice.Choose(candidate, places, request.Spares),
            Speed = candidate.Speed,
            Notes = [],
        };
        return plan with { Notes = [.. PlanNotes.Of(plan, request)] };
    }

    private ReplicaPlan Replica(PlacementProblem problem, PlacedChain chain)
    {
        var step = problem.Decode(1);
        var seconds = SpeedPredictor.StageSeconds(step, chain, 1).ToArray();
        var stages = chain.Places.Select((place, i) => new StagePlan(
            [.. place.Nodes.Select(node => node.Report.Name)],
            chain.Layers[i],
            problem.Memory.Of(place, i, chain.Stages, chain.Layers[i]),
            place.Nodes.Min(node => node.Report.FreeMemoryBytes),
            seconds[i]));
        var ways = SpeedPredictor.Pairs(chain).Select(pair => new LinkPlan(
            pair.From.Name,
            pair.To.Name,
            problem.Request.LinkPrecision,
            problem.Request.LinkPrecision.RowBytes(problem.Model.HiddenSize),
            step.Hop(pair.From, pair.To),
            links.Between(pair.From.Nodes[0], pair.To.Nodes[0]).IsMeasured));
        return new ReplicaPlan([.. stages], [.. ways], problem.Sequences, problem.Memory.KvBlocks, SpeedPredictor.Predict(problem, chain));
    }
}
