using Formation.Inference.Cluster.Routing;
using Formation.Inference.Cluster.Tests.Fakes;
using Formation.Inference.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Formation.Inference.Cluster.Tests.Routing;

/// <summary>A backend over scripted heads, with a clock that a test moves.</summary>
sealed class ClusterBackendHarness : IDisposable
{
    public const string Model = "model";

    readonly RoutingMetrics _metrics = new();

    /// <param name="replicas">Ready replicas, asked in this order as far as nothing speaks against it.</param>
    public ClusterBackendHarness(params string[] replicas)
    {
        Table.Set(Model, replicas.Select(id => ScriptedHeads.Replica(id)));
        Backend = new ClusterBackend(
            Table, Heads, new InOrder(), new ClusterBackendOptions { NextSeed = () => 77 }, _metrics, Clock, NullLogger<ClusterBackend>.Instance);
    }

    public FakeTimeProvider Clock { get; } = new(Certificates.Now);

    public ReplicaTable Table { get; } = new();

    public ScriptedHeads Heads { get; } = new();

    public ClusterBackend Backend { get; }

    public IEnumerable<string> Asked => Heads.Asked.Select(asked => asked.Replica);

    public static GenerationRequest Request(int choices = 1) => new()
    {
        RequestId = "request",
        ModelId = Model,
        AccountId = "account",
        Prompt = new TextPrompt("prompt"),
        Choices = choices,
    };

    public async Task<List<GenerationEvent>> RunAsync(GenerationRequest? request = null, CancellationToken cancellationToken = default)
    {
        var events = new List<GenerationEvent>();
        await foreach (var next in Backend.GenerateAsync(request ?? Request(), cancellationToken))
            events.Add(next);
        return events;
    }

    public async Task<GenerationError> ErrorAsync(GenerationRequest? request = null) => Assert.IsType<GenerationFailed>((await RunAsync(request))[^1]).Error;

    /// <summary>Moves the clock whenever the request waits, until it has ended.</summary>
    public async Task<List<GenerationEvent>> RunWhileTimePassesAsync(GenerationRequest? request = null)
    {
        var running = RunAsync(request);
        await Eventually.TrueAsync(() =>
        {
            if (!running.IsCompleted && Table.Waiting > 0)
                Clock.Advance(TimeSpan.FromMilliseconds(50));
            return running.IsCompleted;
        });
        return await running;
    }

    public static string TextOf(IEnumerable<GenerationEvent> events, int choice = 0) =>
        string.Concat(events.OfType<GenerationDelta>().Where(delta => delta.Choice == choice && !delta.IsEcho).Select(delta => delta.Text.Value));

    /// <summary>Checks that the reader got one undisturbed stream.</summary>
    public static void AssertWhole(IReadOnlyList<GenerationEvent> events, GenerationRequest? request = null)
    {
        request ??= Request();
        Assert.IsType<GenerationStarted>(events[0]);
        Assert.Single(events.OfType<GenerationStarted>());
        Assert.Empty(events.OfType<GenerationFailed>());
        var expected = ScriptedHeads.Honest(request).ToList();
        for (var choice = 0; choice < request.Choices; choice++)
        {
            Assert.Equal(TextOf(expected, choice), TextOf(events, choice));
            Assert.Equal(10, Assert.Single(events.OfType<GenerationFinished>(), finished => finished.Choice == choice).CompletionTokens);
        }
    }

    public void Dispose() => _metrics.Dispose();

    sealed class InOrder : IReplicaSelectionPolicy
    {
        public int Choose(GenerationRequest request, IReadOnlyList<ReplicaCandidate> candidates) => 0;
    }
}
