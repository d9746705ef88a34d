using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>Predicts the speeds of a chain.</summary>
internal static class SpeedPredictor
{
    public static SpeedPrediction Predict(PlacementProblem problem, PlacedChain chain)
    {
        var (batches, rows) = PlacementProblem.BatchesOf(problem.Sequences, chain.Stages);
        var decode = problem.Decode(rows);
        var busiest = batches * Math.Max(
            StageSeconds(decode, chain, rows).Max(), Pairs(chain).Select(pair => decode.Transfer(pair.From, pair.To)).DefaultIfEmpty(0).Max());
        return new SpeedPrediction(
            1 / Pass(problem.Decode(1), chain, 1),
            problem.Sequences / Math.Max(Pass(decode, chain, rows), busiest),
            FirstToken(problem, chain));
    }

    /// <summary>Seconds of each stage in a step.</summary>
    /// <param name="outputRows">Rows whose logits the head computes.</param>
    public static IEnumerable<double> StageSeconds(StepCosts step, PlacedChain chain, double outputRows)
    {
        for (var i = 0; i < chain.Stages; i++)
        {
            var seconds = step.Layers(chain.Places[i]);
            yield return seconds[chain.Layers[i].End] - seconds[chain.Layers[i].First] + step.Fixed(chain.Places[i], i, outputRows);
        }
    }

    /// <summary>The links of a chain: to each next place, and from the last back to the head; none for one place.</summary>
    public static IEnumerable<(Place From, Place To)> Pairs(PlacedChain chain)
    {
        for (var i = 0; chain.Stages > 1 && i < chain.Stages; i++)
            yield return (chain.Places[i], chain.Places[(i + 1) % chain.Stages]);
    }

    /// <summary>Seconds of a batch through all stages and back.</summary>
    public static double Pass(StepCosts step, PlacedChain chain, double outputRows) =>
        StageSeconds(step, chain, outputRows).Sum() + Pairs(chain).Sum(pair => step.Hop(pair.From, pair.To));

    private static double FirstToken(PlacementProblem problem, PlacedChain chain)
    {
        var request = problem.Request;
        var prompt = Math.Min(request.PromptLength, request.ContextLength);
        var (whole, rest) = Math.DivRem(prompt, request.MaxPrefillTokens);
        var one = problem.Decode(1);
        var seconds = one.Fixed(chain.Places[0], 0, 1) - one.Fixed(chain.Places[0], 0, 0);
        if (whole > 0)
        {
            var step = problem.Prefill(request.MaxPrefillTokens);
            seconds += Pass(step, chain, 0) + ((whole - 1) * Next(step));
        }
        if (rest > 0)
        {
            var step = problem.Prefill(rest);
            seconds += whole > 0 ? Next(step) : Pass(step, chain, 0);
        }
        return seconds;

        // What a further chunk adds: its whole way, or where chunks follow each other, the slowest part of it.
        double Next(StepCosts step) => request.Runtime.PipelinedPrefill
            ? Math.Max(
                StageSeconds(step, chain, 0).Max(), Pairs(chain).Select(pair => step.Transfer(pair.From, pair.To)).DefaultIfEmpty(0).Max())
            : Pass(step, chain, 0);
    }
}
