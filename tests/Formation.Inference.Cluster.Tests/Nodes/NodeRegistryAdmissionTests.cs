using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Tests.Fakes;

namespace Formation.Inference.Cluster.Tests.Nodes;

public sealed class NodeRegistryAdmissionTests : IDisposable
{
    private readonly TestRegistry _test = new();

    private NodeRegistry Registry => _test.Registry;

    public void Dispose() => _test.Dispose();

    [Fact]
    public void A_token_admits_one_node_and_survives_a_restart_of_the_gateway()
    {
        var token = _test.Token();
        _test.Restart();
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("a"), TestRegistry.Report("a"), out var record, out _));
        Assert.Equal("a", record.Name);
        Assert.Equal("home", record.Region);
        Assert.False(record.IsTrusted);

        _test.Restart();
        var refusal = _test.Refused(token, "b", "b");
        Assert.Equal(RefusalReason.TokenUsed, refusal.Reason);
        Assert.Equal(["a"], Registry.List().Select(node => node.Name));
    }

    [Fact]
    public void The_same_node_may_ask_again_because_its_answer_may_have_been_lost()
    {
        var token = _test.Token();
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("a"), TestRegistry.Report("a"), out _, out _));
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("a"), TestRegistry.Report("a"), out var again, out _));
        Assert.Equal("a", again.Name);
        Assert.Single(Registry.List());
    }

    [Fact]
    public void A_token_is_refused_from_the_moment_it_expires()
    {
        var token = _test.Token(TimeSpan.FromMinutes(5));
        _test.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("a"), TestRegistry.Report("a"), out _, out _));

        var late = _test.Token(TimeSpan.FromMinutes(5));
        _test.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(RefusalReason.TokenExpired, _test.Refused(late, "b", "b").Reason);
    }

    [Fact]
    public void A_token_that_nobody_made_a_changed_one_and_no_token_are_told_apart()
    {
        var real = _test.Token();
        Assert.Equal(RefusalReason.TokenUnknown, _test.Refused(JoinToken.Create(TestRegistry.GatewayPin).Text.Value, "a", "a").Reason);
        Assert.Equal(RefusalReason.TokenMalformed, _test.Refused(real[..^1], "a", "a").Reason);
        Assert.Equal(RefusalReason.TokenMalformed, _test.Refused("", "a", "a").Reason);
        Assert.True(Registry.TryAdmit(real, TestRegistry.Pin("a"), TestRegistry.Report("a"), out _, out _));
    }

    /// <summary>A token with the id of a real one and another secret: as an attacker makes who saw the id in a log.</summary>
    [Fact]
    public void A_known_id_with_another_secret_is_unknown()
    {
        var real = _test.Token();
        var other = JoinToken.Create(TestRegistry.GatewayPin).Text.Value;
        var body = real[..19] + other[19..^6];
        var forged = body + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(body)).AsSpan(0, 3));
        Assert.Equal(RefusalReason.TokenUnknown, _test.Refused(forged, "a", "a").Reason);
    }

    [Fact]
    public void A_name_belongs_to_one_node_and_the_refused_one_keeps_its_token()
    {
        _test.Admit("a");
        var token = _test.Token();
        Assert.Equal(RefusalReason.NameTaken, _test.Refused(token, "other", "a").Reason);
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("other"), TestRegistry.Report("b"), out _, out _));
    }

    [Fact]
    public void What_the_operator_decided_holds_and_not_what_the_node_says()
    {
        var terms = new AdmissionTerms("eu-west", new Dictionary<string, string> { ["disk"] = "fast" }, IsTrusted: true);
        Assert.True(Registry.TryAdmit(_test.Token(terms: terms), TestRegistry.Pin("a"), TestRegistry.Report("a"), out _, out _));
        _test.Restart();
        var record = Registry.Find("a")!.Record;
        Assert.Equal("eu-west", record.Region);
        Assert.Equal("fast", record.Labels["disk"]);
        Assert.True(record.IsTrusted);
    }

    [Fact]
    public void A_removed_node_is_let_in_again_by_a_new_token_only()
    {
        var token = _test.Token();
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("a"), TestRegistry.Report("a"), out _, out _));
        Assert.True(Registry.Remove("a"));
        Assert.False(Registry.Remove("a"));
        Assert.Equal(RefusalReason.TokenUsed, _test.Refused(token, "a", "a").Reason);
        Assert.Equal(RefusalReason.Removed, Registry.Register(new NodeConnection(TestRegistry.Pin("a"), "x"), TestRegistry.Report("a"))!.Reason);

        _test.Restart();
        Assert.Equal(RefusalReason.Removed, Registry.Register(new NodeConnection(TestRegistry.Pin("a"), "x"), TestRegistry.Report("a"))!.Reason);
        Assert.Null(Registry.Find(TestRegistry.Pin("a")));
        _test.Admit("a");
        _test.Connect("a");
    }

    [Fact]
    public void The_name_of_a_removed_node_is_free()
    {
        _test.Admit("a");
        Registry.Remove("a");
        Assert.True(Registry.TryAdmit(_test.Token(), TestRegistry.Pin("another"), TestRegistry.Report("a"), out var record, out _));
        Assert.Equal(TestRegistry.Pin("another"), record.Pin);
    }

    [Fact]
    public async Task Of_many_that_show_one_token_at_once_one_is_admitted()
    {
        var token = _test.Token();
        var admitted = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(
            () => Registry.TryAdmit(token, TestRegistry.Pin($"k{i}"), TestRegistry.Report($"n{i}"), out _, out _))));
        Assert.Single(admitted, yes => yes);
        Assert.Single(Registry.List());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(31 * 24 * 3600)]
    public void A_token_lives_for_a_time_above_zero_and_30_days_at_most(int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Registry.Invite(AdmissionTerms.Default, TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Replayed_and_expired_tokens_stand_in_the_event_log_with_the_key_that_showed_them()
    {
        var token = _test.Token();
        Assert.True(Registry.TryAdmit(token, TestRegistry.Pin("a"), TestRegistry.Report("a"), out _, out _));
        for (var i = 0; i < 50; i++)
            _test.Refused(token, "thief", "b");
        var refused = Assert.Single(Registry.Log.Newest(null, 100), entry => entry.Kind == "refused");
        Assert.Contains(TestRegistry.Pin("thief").Short, refused.Reason);
        Assert.DoesNotContain(token[20..60], refused.Reason);
    }

    [Fact]
    public void No_token_lies_in_the_database()
    {
        var token = _test.Token();
        var stored = _test.Store.FindToken(token.Substring(8, 10))!;
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(token)), stored.Hash);
    }

    [Fact]
    public void The_gateways_own_machine_needs_no_token_and_is_the_same_node_after_a_restart()
    {
        using var test = new TestRegistry();

        Assert.Equal("home", test.Registry.AdmitOwn(TestRegistry.Pin("own"), TestRegistry.Report("home")));
        test.Restart();

        Assert.Equal("home", test.Registry.AdmitOwn(TestRegistry.Pin("own"), TestRegistry.Report("renamed")));
        Assert.True(test.Registry.Find("home")!.Record.IsTrusted);
    }

    [Fact]
    public void The_gateways_own_machine_takes_another_name_where_its_own_is_taken()
    {
        using var test = new TestRegistry();
        test.Admit("home");

        Assert.Equal("home-2", test.Registry.AdmitOwn(TestRegistry.Pin("own"), TestRegistry.Report("home")));
    }

    [Fact]
    public void The_gateways_own_machine_stays_away_once_the_operator_has_removed_it()
    {
        using var test = new TestRegistry();
        test.Registry.AdmitOwn(TestRegistry.Pin("own"), TestRegistry.Report("home"));

        test.Registry.Remove("home");

        Assert.Null(test.Registry.AdmitOwn(TestRegistry.Pin("own"), TestRegistry.Report("home")));
    }
}
