namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Which of several plans is taken.</summary>
internal static class Choice
{
    /// <summary>
    /// From the fewest nodes on, a plan takes the place of a smaller one only where it is faster by more than the least gain. So the chosen one
    /// is never slower than a smaller one.
    /// </summary>
    /// <returns>Null where there is none.</returns>
    public static Candidate? Among(IReadOnlyList<Candidate> candidates, double leastGain)
    {
        Candidate? chosen = null;
        foreach (var size in candidates.GroupBy(candidate => candidate.NodeCount).OrderBy(group => group.Key))
        {
            // With as many nodes, fewer stages are the simpler plan.
            var best = size.OrderByDescending(candidate => candidate.Rate).ThenBy(candidate => candidate.Stages).First();
            if (chosen is null || best.Rate > chosen.Rate * (1 + leastGain))
                chosen = best;
        }
        return chosen;
    }
}
