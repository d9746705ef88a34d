using Formation.Inference.Engine.Speculation.Planning;

namespace Formation.Inference.Engine.Tests.Speculation.Planning;

public sealed class AcceptanceTests
{
    readonly Acceptance _acceptance = Acceptance.Expecting(0.3);

    [Fact]
    public void Before_anything_was_seen_the_expectation_holds()
    {
        Assert.Equal(0.3, _acceptance.Rate, 6);
        Assert.Equal(0.8, new Acceptance().RateExpecting(0.8), 6);
    }

    [Fact]
    public void The_rate_follows_what_was_seen_last()
    {
        for (var i = 0; i < 100; i++)
            _acceptance.Add(drafted: 8, accepted: 0);
        Assert.InRange(_acceptance.Rate, 0, 0.01);
        for (var i = 0; i < 100; i++)
            _acceptance.Add(drafted: 8, accepted: 8);
        Assert.InRange(_acceptance.Rate, 0.99, 1);
    }

    [Fact]
    public void What_stands_behind_the_first_wrong_token_does_not_count()
    {
        // One right and one wrong token each, whatever the length.
        for (var i = 0; i < 100; i++)
            _acceptance.Add(drafted: 2 + i % 10, accepted: 1);
        Assert.Equal(0.5, _acceptance.Rate, 3);
    }

    [Fact]
    public void What_was_seen_long_ago_gives_way_to_what_is_expected()
    {
        var seen = new Acceptance();
        seen.Add(drafted: 10, accepted: 0);
        Assert.InRange(seen.RateExpecting(0.9), 0, 0.75);
        for (var step = 0; step < 2000; step++)
            seen.Fade();
        Assert.Equal(0.9, seen.RateExpecting(0.9), 3);
    }
}
