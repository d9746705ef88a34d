namespace Formation.Inference.Gateway.OpenAI.ChatCompletions;

/// <summary>The ids of an answer's calls, which are the same for everybody who reads the answer's events in their order.</summary>
/// <param name="create">Makes an id.</param>
internal sealed class CallIds(Func<string> create)
{
    readonly List<string> _made = [];

    /// <summary>Gives the ids from the first one on.</summary>
    internal Func<string> Reader()
    {
        int next = 0;
        return () =>
        {
            if (next == _made.Count)
                _made.Add(create());
            return _made[next++];
        };
    }
}
