using System.Net;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Weights;
using Formation.Inference.Node.Weights.Peers;
using Formation.Inference.Node.Weights.Store;
using Formation.Inference.Node.Workers;

namespace Formation.Inference.Cli.Nodes;

/// <summary>The composition root of a node: its agent, its workers and their weights, from the first registration to the goodbye.</summary>
/// <param name="Identity">The node's key.</param>
/// <param name="Membership">The network that admitted it.</param>
/// <param name="DataFolder">Where it keeps what it remembers and fetches.</param>
/// <param name="Inventory">What it says of itself now.</param>
/// <param name="Listen">Where peers dial it, or null to dial out only.</param>
/// <param name="MemoryBytes">What its workers may take together.</param>
/// <param name="Threads">Threads that compute in each of them.</param>
sealed record NodeRuntime(
    NodeIdentity Identity, Membership Membership, string DataFolder, Func<NodeReport> Inventory, IPEndPoint? Listen, long MemoryBytes, int Threads)
{
    /// <summary>After each change, with the bytes that workers were ordered to take.</summary>
    public Action<long> Ordered { get; init; } = _ => { };

    /// <summary>Where its workers send their spans, or null.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>Runs until it is stopped.</summary>
    /// <param name="context">The clock, and where progress goes.</param>
    /// <param name="online">Called after each registration, with the gateway's URL.</param>
    /// <param name="stop">Ends it in order.</param>
    /// <exception cref="NodeRefusedException">The network does not want this node (any more).</exception>
    /// <exception cref="IOException">The address for peers can't be listened on.</exception>
    public async Task RunAsync(CommandContext context, Action<Uri> online, CancellationToken stop)
    {
        WorkerWeights? fetched = null;
        await using var workers = new WorkerSupervisor(new WorkerSupervisorOptions
        {
            Process = () => WorkerCommandLine.StartInfo(OtlpEndpoint),
            Fetch = (order, progress, cancellation) => fetched!.FetchAsync(order, progress, cancellation),
            MemoryBytes = MemoryBytes,
            Threads = Threads,
            Listen = Listen,
            Addresses = endpoint => LocalAddresses.Of(endpoint, new Uri(Membership.Gateways[0].Urls[0])),
            Clock = context.Time,
            Progress = context.Output.Note,
        });
        workers.Changed += () => Ordered(workers.OrderedBytes);
        var agent = new NodeAgent(new NodeAgentOptions
        {
            Identity = Identity,
            Membership = Membership,
            Folder = DataFolder,
            Inventory = Inventory,
            Workers = workers,
            Listen = Listen,
            Clock = context.Time,
            Random = new Random(Environment.ProcessId),
            Progress = context.Output.Note,
        });
        using var weights = new NodeWeights(new NodeWeightsOptions
        {
            Identity = Identity,
            Peers = agent.Peers,
            Gateways = () => agent.Gateways,
            Relays = agent.Relays,
            Store = new WeightStore(Path.Combine(DataFolder, "weights"), context.Time),
            Clock = context.Time,
            Progress = context.Output.Note,
        });
        fetched = new WorkerWeights(weights);
        agent.Protocols[WeightPeerServer.Protocol] = weights.Answers;
        agent.Online += online;
        await agent.RunAsync(stop);
    }
}
