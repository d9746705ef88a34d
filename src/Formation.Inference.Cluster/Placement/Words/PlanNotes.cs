namespace Formation.Inference.Cluster.Placement.Words;

/// <summary>What is to be known of a plan beside its figures.</summary>
internal static class PlanNotes
{
    public static IEnumerable<string> Of(PlacementPlan plan, PlacementRequest request)
    {
        if (plan.NeedsTensorParallel && !request.Runtime.TensorParallel)
            yield return "machines would share layers, which this version does not run yet";
        foreach (var link in plan.Replicas.SelectMany(replica => replica.Links).Where(link => !link.IsMeasured))
            yield return $"the way from {link.From} to {link.To} was not measured; it is taken to cost {Figures.Time(link.SecondsPerToken)} a token";
        foreach (var replica in plan.Replicas.Where(replica => replica.Stages.Count > 1))
        {
            var links = replica.Links.Sum(link => link.SecondsPerToken);
            var share = links * replica.Speed.OneStream;
            yield return $"{Figures.Time(links)} of a token's {Figures.Time(1 / replica.Speed.OneStream)} are spent on links ({Figures.Percent(share)})";
        }
    }
}
