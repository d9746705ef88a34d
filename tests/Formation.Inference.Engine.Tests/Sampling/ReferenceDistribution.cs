namespace Formation.Inference.Engine.Tests.Sampling;

/// <summary>
/// The distribution that sampling parameters define, written down once more from their definitions: sorted lists in double precision, no
/// heap, no scratch memory.
/// </summary>
internal static class ReferenceDistribution
{
    public static Dictionary<int, double> Of(float[] logits, SamplingParams parameters)
    {
        var kept = logits.Select((logit, token) => (Token: token, Scaled: (double)logit / parameters.Temperature))
            .OrderByDescending(item => item.Scaled).ThenBy(item => item.Token).ToList();
        if (parameters.TopK > 0)
            kept = kept.Take(parameters.TopK).ToList();
        if (parameters.TypicalP < 1)
            kept = Typical(kept, parameters.TypicalP);
        if (parameters.TopP < 1)
            kept = Prefix(kept.OrderByDescending(item => item.Scaled).ThenBy(item => item.Token).ToList(), kept, parameters.TopP);
        if (parameters.MinP > 0)
        {
            var normal = Normalize(kept);
            var max = normal.Values.Max();
            kept = kept.Where(item => normal[item.Token] >= parameters.MinP * max).ToList();
        }

        return Normalize(kept);
    }

    static List<(int Token, double Scaled)> Typical(List<(int Token, double Scaled)> kept, double mass)
    {
        var normal = Normalize(kept);
        var entropy = -normal.Values.Where(p => p > 0).Sum(p => p * Math.Log(p));
        var ordered = kept.OrderBy(item => Math.Abs(-Math.Log(normal[item.Token]) - entropy)).ThenBy(item => item.Token).ToList();
        return Prefix(ordered, kept, mass);
    }

    static List<(int Token, double Scaled)> Prefix(List<(int Token, double Scaled)> ordered, List<(int Token, double Scaled)> all, double mass)
    {
        var normal = Normalize(all);
        var (sum, count) = (0.0, 0);
        while (count < ordered.Count && sum < mass)
            sum += normal[ordered[count++].Token];
        return ordered.Take(count).ToList();
    }

    static Dictionary<int, double> Normalize(List<(int Token, double Scaled)> items)
    {
        var max = items.Max(item => item.Scaled);
        var total = items.Sum(item => Math.Exp(item.Scaled - max));
        return items.ToDictionary(item => item.Token, item => Math.Exp(item.Scaled - max) / total);
    }
}
