using Formation.Inference.Cluster.Placement.Costs;

namespace Formation.Inference.Cluster.Placement.Search;

/// <summary>What comes closest to a plan where none fits.</summary>
/// <param name="Place">The place that lacks least.</param>
/// <param name="MissingBytes">What it would have to offer more for a plan to fit, exactly.</param>
/// <param name="NeededBytes">Of all stages together.</param>
/// <param name="FreeBytes">Of their places.</param>
/// <param name="Layers">Without a place, or null where not even the fixed part of a stage fits.</param>
internal sealed record Shortfall(Place Place, long MissingBytes, long NeededBytes, long FreeBytes, LayerSpan? Layers);

/// <summary>
/// Finds the fewest bytes that one place would have to offer more. With the places before it filled from the first layer on and those behind it
/// from the last, it would have to take what lies between.
/// </summary>
internal static class ShortfallFinder
{
    private const int MostStages = 64;

    /// <param name="places">At least one; none pinned matters more than another.</param>
    public static Shortfall Find(PlacementProblem problem, IReadOnlyList<Place> places)
    {
        var byRoom = places.OrderByDescending(place => place.FreeBytes).ToArray();
        var most = Math.Min(Math.Min(places.Count, problem.Sums.Layers), MostStages);
        var (first, last) = problem.Request.Stages is { } asked ? (Math.Min(asked, most), Math.Min(asked, most)) : (1, most);
        return Least(isStrict: true) ?? Least(isStrict: false)!;

        Shortfall? Least(bool isStrict)
        {
            Shortfall? least = null;
            foreach (var found in Chains().SelectMany(chain => Enumerable.Range(0, chain.Length).Select(i => Missing(problem, chain, i, isStrict))))
            {
                if (found is not null && (least is null || found.MissingBytes < least.MissingBytes))
                    least = found;
            }
            return least;
        }

        IEnumerable<Place[]> Chains()
        {
            for (var stages = first; stages <= last; stages++)
            {
                for (var head = 0; head < stages; head++)
                    yield return [byRoom[head], .. byRoom[..stages].Where((_, i) => i != head)];
            }
        }
    }

    // Null where the place alone can't help, because another stage of the chain has no room for a layer.
    private static Shortfall? Missing(PlacementProblem problem, Place[] chain, int position, bool isStrict)
    {
        var (variable, memory) = (problem.Memory.Variable, problem.Memory);
        var layers = problem.Sums.Layers;
        var start = 0;
        for (var i = 0; i < position; i++)
        {
            var room = memory.Room(chain[i], i, chain.Length);
            var from = start;
            while (start < layers && variable[start + 1] - variable[from] <= room)
                start++;
            if (isStrict && start == from && from < layers)
                return null;
        }
        var end = layers;
        for (var i = chain.Length - 1; i > position; i--)
        {
            var room = memory.Room(chain[i], i, chain.Length);
            var to = end;
            while (end > 0 && variable[to] - variable[end - 1] <= room)
                end--;
            if (isStrict && end == to && to > 0)
                return null;
        }
        // A stage has a layer at least.
        if (end <= start)
            (start, end) = (Math.Min(start, layers - 1), Math.Min(start, layers - 1) + 1);
        var own = memory.Room(chain[position], position, chain.Length);
        var held = start;
        while (held < end && variable[held + 1] - variable[start] <= own)
            held++;
        var needed = variable[layers] + Enumerable.Range(0, chain.Length).Sum(i => memory.Fixed(i, chain.Length));
        return new Shortfall(
            chain[position],
            Math.Max(0, variable[end] - variable[start] - own),
            needed,
            chain.Sum(place => place.FreeBytes),
            own < 0 ? null : new LayerSpan(Math.Min(held, end - 1), Math.Max(1, end - held)));
    }
}
