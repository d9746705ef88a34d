using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Tests.Fakes;

namespace Formation.Inference.Cluster.Tests.Routing;

public sealed class PrefixAffinityTests
{
    static GenerationRequest Request(string text, string account = "account") => new()
    {
        RequestId = "r",
        ModelId = "m",
        AccountId = account,
        Prompt = new ChatPrompt([new ChatMessage("system", "You are helpful."), new ChatMessage("user", text)]),
    };

    static string Text(int seed, int length)
    {
        var random = new Random(seed);
        return string.Concat(Enumerable.Range(0, length).Select(_ => (char)random.Next('a', 'z')));
    }

    static ReplicaCandidate[] Candidates(params int[] loads) =>
        [.. loads.Select((load, i) => new ReplicaCandidate(ScriptedHeads.Replica($"{i}"), load))];

    [Fact]
    public void A_conversation_that_grows_stays_where_it_began()
    {
        var policy = new PrefixAffinityPolicy(new Random(1));
        for (var conversation = 0; conversation < 20; conversation++)
        {
            var first = policy.Choose(Request(Text(conversation, 300)), Candidates(0, 0, 0, 0));
            for (var length = 400; length < 20_000; length *= 2)
                Assert.Equal(first, policy.Choose(Request(Text(conversation, length)), Candidates(0, 0, 0, 0)));
        }
    }

    [Fact]
    public void Others_go_where_few_requests_are_and_are_spread()
    {
        var policy = new PrefixAffinityPolicy(new Random(1));
        var chosen = Enumerable.Range(0, 200).Select(i => policy.Choose(Request(Text(i, 300)), Candidates(9, 0, 1, 0))).ToList();
        Assert.Equal([1, 2, 3], chosen.Distinct().Order());
    }

    [Fact]
    public void A_replica_that_is_clearly_busier_is_left_and_the_next_turn_follows()
    {
        var policy = new PrefixAffinityPolicy(new Random(1));
        var first = policy.Choose(Request(Text(1, 300)), Candidates(0, 9));
        Assert.Equal(0, first);
        Assert.Equal(0, policy.Choose(Request(Text(1, 400)), Candidates(4, 0)));
        Assert.Equal(1, policy.Choose(Request(Text(1, 500)), Candidates(5, 0)));
        Assert.Equal(1, policy.Choose(Request(Text(1, 600)), Candidates(0, 0)));
    }

    [Fact]
    public void The_nearest_of_idle_replicas_is_taken()
    {
        var policy = new PrefixAffinityPolicy(new Random(1));
        var candidates = Candidates(0, 1, 0);
        candidates[0] = candidates[0] with { Replica = candidates[0].Replica with { RoundTrip = TimeSpan.FromMilliseconds(30) } };
        candidates[1] = candidates[1] with { Replica = candidates[1].Replica with { RoundTrip = TimeSpan.FromMilliseconds(1) } };
        candidates[2] = candidates[2] with { Replica = candidates[2].Replica with { RoundTrip = TimeSpan.FromMilliseconds(20) } };
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(1, policy.Choose(Request($"{i}"), candidates)));
    }

    [Fact]
    public void Replicas_about_as_near_as_the_nearest_share_its_requests()
    {
        var policy = new PrefixAffinityPolicy(new Random(1));
        var candidates = Candidates(0, 0, 0, 0);
        foreach (var (i, milliseconds) in new[] { 20, 24, 26 }.Index())
            candidates[i] = candidates[i] with { Replica = candidates[i].Replica with { RoundTrip = TimeSpan.FromMilliseconds(milliseconds) } };

        // One that was never asked may be the nearest of all, so it is tried.
        Assert.All(Enumerable.Range(0, 20), i => Assert.Equal(3, policy.Choose(Request($"{i}"), candidates)));
        candidates[3] = candidates[3] with { Replica = candidates[3].Replica with { RoundTrip = TimeSpan.FromMilliseconds(90) } };
        Assert.Equal([0, 1], Enumerable.Range(0, 100).Select(i => policy.Choose(Request($"{i}"), candidates)).Distinct().Order());
    }

    [Fact]
    public void The_same_draws_give_the_same_choices()
    {
        var (one, other) = (new PrefixAffinityPolicy(new Random(7)), new PrefixAffinityPolicy(new Random(7)));
        for (var i = 0; i < 100; i++)
            Assert.Equal(one.Choose(Request(Text(i % 9, 50 * i)), Candidates(0, 0, 0)), other.Choose(Request(Text(i % 9, 50 * i)), Candidates(0, 0, 0)));
    }

    [Fact]
    public void Accounts_share_nothing_that_one_could_learn_of_another()
    {
        List<ulong> mine = [], others = [];
        PromptBeginnings.Read(Request(Text(1, 5000)), mine);
        PromptBeginnings.Read(Request(Text(1, 5000), "other account"), others);
        Assert.Equal(6, mine.Count);
        Assert.Empty(mine.Intersect(others));
    }

    [Fact]
    public void Beginnings_of_long_prompts_are_few_and_of_short_ones_none()
    {
        List<ulong> beginnings = [];
        PromptBeginnings.Read(Request(Text(1, 1_000_000)), beginnings);
        Assert.Equal(10, beginnings.Count);
        PromptBeginnings.Read(Request("Hi"), beginnings);
        Assert.Empty(beginnings);
        PromptBeginnings.Read(Request("") with { Prompt = new TokenPrompt([.. Enumerable.Range(0, 300)]) }, beginnings);
        Assert.Equal(2, beginnings.Count);
        PromptBeginnings.Read(Request("") with { Prompt = new TextPrompt(Text(1, 128)) }, beginnings);
        Assert.Single(beginnings);
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_the_oldest_goes_first()
    {
        var recent = new RecentBeginnings(capacity: 3);
        for (var i = 0UL; i < 3; i++)
            recent.Note(i, $"{i}");
        recent.Note(0, "moved");
        recent.Note(9, "new");
        Assert.Equal(("moved", null, "2", "new"), (recent.Find(0), recent.Find(1), recent.Find(2), recent.Find(9)));
        Assert.Equal(3, recent.Count);
    }

    [Fact]
    public void A_gap_is_known_again_by_what_comes_before_it()
    {
        static List<ulong> Beginnings(Prompt prompt)
        {
            var beginnings = new List<ulong>();
            PromptBeginnings.Read(Request("") with { Prompt = prompt }, beginnings);
            return beginnings;
        }

        var text = new TextPrompt(Text(1, 300));
        var typed = Beginnings(new InfillPrompt(text, Text(2, 300)));
        Assert.Equal(Beginnings(text), typed[..2]);
        Assert.Equal(3, typed.Count);
        Assert.Equal(typed[..2], Beginnings(new InfillPrompt(text, Text(3, 300)))[..2]);
        Assert.Equal(2, Beginnings(new InfillPrompt(new TokenPrompt([.. Enumerable.Range(0, 300)]), "x")).Count);
    }
}
