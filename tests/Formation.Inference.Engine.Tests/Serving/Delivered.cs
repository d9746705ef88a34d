using Formation.Inference.Testing.Fakes;

namespace Formation.Inference.Engine.Tests.Serving;

/// <summary>The events of a request that its reader got before its engine was lost.</summary>
internal static class Delivered
{
    /// <summary>What another engine needs to know of them.</summary>
    public static Continuation Of(IReadOnlyList<GenerationEvent> events, int choices)
    {
        return new Continuation([.. Enumerable.Range(0, choices).Select(choice =>
        {
            var deltas = events.OfType<GenerationDelta>().Where(delta => delta.Choice == choice).ToList();
            return new ContinuedChoice
            {
                TokenIds = [.. deltas.SelectMany(delta => delta.TokenIds)],
                TextLength = deltas.Where(delta => !delta.IsEcho).Sum(delta => delta.Text.Length),
                IsEchoed = deltas.Any(delta => delta.IsEcho),
                IsFinished = events.OfType<GenerationFinished>().Any(finished => finished.Choice == choice),
            };
        })]);
    }

    /// <summary>Whether something is left to be said behind these events.</summary>
    public static bool IsUnfinished(IReadOnlyList<GenerationEvent> events, int choices) => events.OfType<GenerationFinished>().Count() < choices;

    /// <summary>One stream of two: what was delivered, and what another engine said behind it.</summary>
    public static Task<CollectedGeneration> JoinedWith(this IEnumerable<GenerationEvent> before, CollectedGeneration after)
    {
        Assert.Null(after.Error);
        var first = Assert.IsType<GenerationStarted>(after.Events[0]);
        var all = before.Concat(after.Events.Skip(1)).ToList();
        Assert.Equal(all[0], first);
        return CollectedGeneration.FromAsync(all.ToAsyncEnumerable());
    }
}
