namespace Formation.Inference.Testing.Databases;

/// <summary>Many who want the same thing at the same moment.</summary>
public static class Contention
{
    /// <summary>Opens a store for each, lets all begin at once, each on a thread of its own, and gives what each got, in their order.</summary>
    /// <param name="count">How many.</param>
    /// <param name="open">Opens a store as one more process would.</param>
    /// <param name="act">What each does with its store and its number.</param>
    public static async Task<IReadOnlyList<TResult>> RunAsync<TStore, TResult>(int count, Func<TStore> open, Func<TStore, int, TResult> act)
    {
        var stores = Enumerable.Range(0, count).Select(_ => open()).ToList();
        using var beginning = new Barrier(count);
        return await Task.WhenAll(stores.Select((store, i) => Task.Factory.StartNew(
            () =>
            {
                beginning.SignalAndWait();
                return act(store, i);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }
}
