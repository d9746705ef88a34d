using Formation.Inference.Cli.Bench;
using Formation.Inference.Cli.Tests.Fakes;

namespace Formation.Inference.Cli.Tests.Bench;

public sealed class TurnsTests
{
    private static readonly BenchTest Test = new(BenchTestKind.Generation, 64);

    private readonly SteppingTime _time = new(TimeSpan.Zero);
    private readonly List<string> _calls = [];

    [Fact]
    public async Task Each_engine_is_warmed_up_for_three_seconds_and_then_they_take_turns()
    {
        await MeasureAsync(2, Engine("a", 1.2, 10), Engine("b", 6, 20));

        Assert.Equal(["a", "a", "a", "b", "a", "b", "a", "b"], _calls);
    }

    [Fact]
    public async Task What_is_found_while_warming_up_does_not_count()
    {
        var spreads = await MeasureAsync(3, Engine("a", 3, 999, 10, 30, 20), Engine("b", 3, 1, 7, 5, 6));

        Assert.Equal([new Spread(20, 10, 30), new Spread(6, 5, 7)], spreads);
    }

    private Task<IReadOnlyList<Spread>> MeasureAsync(int repeat, params Measurement[] engines) =>
        new Turns(repeat, _time).MeasureAsync(Test, engines, TestContext.Current.CancellationToken);

    /// <summary>An engine that takes as long each time, and reports these speeds, the last one again and again.</summary>
    private Measurement Engine(string name, double seconds, params double[] speeds)
    {
        var run = 0;
        return (test, _) =>
        {
            Assert.Equal(Test, test);
            _calls.Add(name);
            _time.Advance(TimeSpan.FromSeconds(seconds));
            return Task.FromResult(speeds[Math.Min(run++, speeds.Length - 1)]);
        };
    }
}
