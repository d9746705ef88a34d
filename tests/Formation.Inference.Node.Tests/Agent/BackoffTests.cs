using Formation.Inference.Node.Agent;

namespace Formation.Inference.Node.Tests.Agent;

public sealed class BackoffTests
{
    [Fact]
    public void Waits_double_up_to_a_limit_and_are_drawn_from_the_upper_half()
    {
        var backoff = new Backoff(new Random(1));
        var limit = Backoff.First;
        for (var i = 0; i < 20; i++)
        {
            var wait = backoff.Next();
            Assert.InRange(wait, limit / 2, limit);
            limit = limit * 2 < Backoff.Longest ? limit * 2 : Backoff.Longest;
        }
        Assert.Equal(Backoff.Longest, limit);
    }

    [Fact]
    public void A_success_starts_anew()
    {
        var backoff = new Backoff(new Random(1));
        for (var i = 0; i < 10; i++)
            backoff.Next();
        backoff.Reset();
        Assert.InRange(backoff.Next(), Backoff.First / 2, Backoff.First);
    }

    [Fact]
    public void Two_nodes_do_not_wait_alike()
    {
        var one = new Backoff(new Random(1));
        var other = new Backoff(new Random(2));
        Assert.NotEqual(Enumerable.Range(0, 5).Select(_ => one.Next()), Enumerable.Range(0, 5).Select(_ => other.Next()));
    }
}
