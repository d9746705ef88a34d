using System.Text;

namespace Formation.Inference.Testing.Fakes;

/// <summary>All events of one request, and what they add up to.</summary>
public sealed class CollectedGeneration
{
    readonly List<GenerationEvent> _events = [];

    public IReadOnlyList<GenerationEvent> Events => _events;

    public GenerationError? Error => _events.OfType<GenerationFailed>().SingleOrDefault()?.Error;

    public int PromptTokens => _events.OfType<GenerationStarted>().Single().PromptTokens;

    public GenerationFinished Finished(int choice = 0) => _events.OfType<GenerationFinished>().Single(finished => finished.Choice == choice);

    /// <summary>The choice's generated text.</summary>
    public string Text(int choice = 0) => Join(choice, isEcho: false);

    /// <summary>The prompt's text, where it was sent back.</summary>
    public string Echo(int choice = 0) => Join(choice, isEcho: true);

    /// <summary>The choice's tokens, where log-probabilities were asked for.</summary>
    public IReadOnlyList<TokenLogprob> Tokens(int choice = 0) => [.. Deltas(choice, isEcho: false).SelectMany(delta => delta.Tokens)];

    public IReadOnlyList<TokenLogprob> EchoTokens(int choice = 0) => [.. Deltas(choice, isEcho: true).SelectMany(delta => delta.Tokens)];

    public static async Task<CollectedGeneration> FromAsync(IAsyncEnumerable<GenerationEvent> events, CancellationToken cancellationToken = default)
    {
        var collected = new CollectedGeneration();
        await foreach (var next in events.WithCancellation(cancellationToken))
            collected._events.Add(next);
        return collected;
    }

    IEnumerable<GenerationDelta> Deltas(int choice, bool isEcho) =>
        _events.OfType<GenerationDelta>().Where(delta => delta.Choice == choice && delta.IsEcho == isEcho);

    string Join(int choice, bool isEcho)
    {
        var text = new StringBuilder();
        foreach (var delta in Deltas(choice, isEcho))
            text.Append(delta.Text.Value);
        return text.ToString();
    }
}
