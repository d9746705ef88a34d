using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Formation.Inference.Testing;

/// <summary>Waits for what must come, and fails by name when it does not: a test that waits for ever stops all others without a word.</summary>
internal static class Eventually
{
    /// <summary>Far beyond what a busy machine needs; only a condition that never comes true waits so long.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks again and again until the answer is yes. Throws <see cref="TimeoutException"/> after 60 s of no.</summary>
    public static Task TrueAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string text = "") =>
        TrueAsync(() => Task.FromResult(condition()), text);

    /// <inheritdoc cref="TrueAsync(Func{bool}, string)"/>
    public static async Task TrueAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string text = "")
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition().WaitAsync(Patience))
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
                throw new TimeoutException($"Not true within {Patience.TotalSeconds:F0} s: {text}");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }
}
