using System.Net;
using Formation.Inference.Cli.Nodes;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Node.Agent;
using Formation.Inference.Node.Inventory;

namespace Formation.Inference.Cli.Hosting;

/// <summary>
/// The gateway's own machine as a node of its network, so that who adds a second machine has two. It waits until there is another node: one
/// machine alone serves its models without all this. What its workers take, the models of this process do not get.
/// </summary>
sealed class LocalNode(ServeSettings settings, ControlPlane control, ModelPool pool, CommandContext context)
{
    /// <summary>Workers are started on demand; models of this process keep what they have.</summary>
    private const long SmallestOffer = 64L << 20;

    /// <summary>Runs until it is stopped, or the operator removes this node.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await OthersAsync(stop);
            await Task.Run(() => RunNodeAsync(stop), stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
        // The server serves without: its own part in the network is no reason to end it.
        catch (Exception error) when (error is NodeRefusedException or IOException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException)
        {
            context.Output.Note($"This machine is no node of its own network: {error.Message}");
        }
    }

    private async Task OthersAsync(CancellationToken stop)
    {
        var come = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look() => come.TrySetResult();
        control.Registry.Changed += Look;
        try
        {
            if (control.Registry.List().Count == 0)
                await come.Task.WaitAsync(stop);
        }
        finally
        {
            control.Registry.Changed -= Look;
        }
    }

    private async Task RunNodeAsync(CancellationToken stop)
    {
        var folder = Path.Combine(settings.DataFolder, "node");
        using var identity = NodeIdentity.LoadOrCreate(Path.Combine(folder, "node.pem"), context.Time);
        var measured = new MachineInventory(context.Time).Describe(new InventoryOptions
        {
            Name = NodeName.FromHost(Environment.MachineName),
            MemoryBytes = settings.MemoryBytes,
            Threads = settings.Threads,
            DataFolder = folder,
        });
        if (control.Registry.AdmitOwn(identity.Pin, measured) is not { } name)
            return;
        // This process dials itself as any other node would: one way in, and one set of rules.
        var host = settings.ClusterListen!.Endpoint.Address is var address && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            ? IPAddress.Loopback
            : address;
        var gateway = new KnownGateway(control.Pin, [$"https://{HostAndPort.Format(host.ToString(), control.Endpoint.Port)}"]);
        var node = new NodeRuntime(
            identity, new Membership(name, [gateway]), folder, () => Offer(measured), new IPEndPoint(settings.ClusterListen.Endpoint.Address, 0),
            settings.MemoryBytes, settings.Threads)
        {
            Ordered = bytes => pool.LentBytes = bytes,
            OtlpEndpoint = settings.OtlpEndpoint,
        };
        await node.RunAsync(context, _ => { }, stop);
    }

    // What this process's own models hold is not on offer.
    private NodeReport Offer(NodeReport measured)
    {
        var offered = Math.Max(measured.MemoryBytes - pool.ReservedBytes, SmallestOffer);
        return measured with { MemoryBytes = offered, FreeMemoryBytes = offered };
    }
}
