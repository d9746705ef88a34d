using System.Globalization;
using Formation.Inference.Cluster.Nodes;
using Formation.Inference.Cluster.Placement;
using Formation.Inference.Cluster.Placement.Costs;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Deployments.Adapting;

/// <summary>
/// How fast nodes compute a model's layers, compared with what the model of cost predicts of the figures that they report. Only steps of generation
/// count, and for each the work that it had, so a node with many streams is not taken for a slow one; a time in which another worker of the node
/// worked does not count at all. Used by one thread.
/// </summary>
internal sealed class NodePaces
{
    /// <summary>Steps that a measurement has at least.</summary>
    private const int LeastSteps = 64;

    private const int MostWindows = 4096;

    /// <summary>Measurements of which the middle one counts.</summary>
    private const int Samples = 5;

    /// <summary>What the model of cost itself may be wrong by: docs/adr/0016-placement.md.</summary>
    private const double LeastTypical = 0.6;
    private const double MostTypical = 1.4;

    /// <summary>Differences smaller than this are chance.</summary>
    private const double Noise = 0.25;

    /// <summary>How long a node is thought to be as fast as it was when it had layers last.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromHours(1);

    private static readonly CostAssumptions Assumptions = new();

    private readonly Dictionary<(string Model, string Node), Paces> _paces = [];
    private readonly Dictionary<string, Window> _windows = new(StringComparer.Ordinal);

    private sealed class Paces
    {
        public Queue<double> Newest { get; } = new();

        public DateTimeOffset LastAt { get; set; }

        /// <summary>With these it was measured; a node that reports others is measured anew.</summary>
        public required DeviceReport Device { get; init; }

        public double Middle => Newest.Order().ElementAt(Newest.Count / 2);
    }

    /// <param name="Work">Of the worker when it began.</param>
    /// <param name="Others">Of the node's other workers.</param>
    private sealed record Window(DecodeWork Work, long Others);

    /// <summary>Takes what the workers of a deployment have done since the last look.</summary>
    public void Learn(Deployment deployment, ClusterView view)
    {
        // Of workers that have ended; those that live begin anew.
        if (_windows.Count > MostWindows)
            _windows.Clear();
        foreach (var worker in deployment.Replicas.SelectMany(replica => replica.Workers))
        {
            if (view.Find(worker.Node) is { Report: { Devices.Count: > 0 } report } node && view.ReportOf(worker) is { State: WorkerState.Ready } said)
                Learn(deployment, worker, report, said.Decode, OthersOf(node, worker));
            else
                _windows.Remove(worker.Id);
        }

        void Learn(Deployment owner, WorkerAssignment worker, NodeReport report, DecodeWork work, long? others)
        {
            if (others is null || !_windows.TryGetValue(worker.Id, out var window) || window.Others != others || work.Steps < window.Work.Steps)
            {
                _windows[worker.Id] = new Window(work, others ?? -1);
                return;
            }
            var done = work.Since(window.Work);
            if (done.Steps < LeastSteps || done.Seconds <= 0)
                return;
            _windows[worker.Id] = window with { Work = work };
            Add((owner.ModelId, worker.Node), DecodeCosts.Seconds(owner.Model.Shape, worker.Layers, report, done, Assumptions) / done.Seconds, report, view.Now);
        }
    }

    /// <summary>
    /// How fast a node is compared with what the others make one expect of its figures: 1 as expected, 0.5 half as fast; 1 where nothing is known.
    /// </summary>
    public double Of(string modelId, NodeReport report, DateTimeOffset now)
    {
        if (!_paces.TryGetValue((modelId, report.Name), out var paces) || now - paces.LastAt > Remembered || paces.Device != OfferRules.DeviceOf(report))
            return 1;
        var pace = paces.Middle / Typical(modelId, now);
        return Math.Abs(Math.Log(pace)) <= Math.Log(1 + Noise) ? 1 : Math.Clamp(pace, 0.05, 4);
    }

    /// <summary>The nodes with the speeds that they have shown in place of those that they report.</summary>
    public IReadOnlyList<NodeOffer> Correct(string modelId, IReadOnlyList<NodeOffer> offers, DateTimeOffset now) =>
        [.. offers.Select(offer => offer.Report.Devices.Count > 0 && Of(modelId, offer.Report, now) is var pace and not 1 ? Scaled(offer, pace) : offer)];

    /// <summary>A node that is not as fast as expected, in words; null where it is.</summary>
    public string? Said(string modelId, NodeStatus? node, DateTimeOffset now) =>
        node?.Report is { Devices.Count: > 0 } report && Of(modelId, report, now) is var pace and < 1
            ? string.Create(CultureInfo.InvariantCulture, $"{node.Name} computes at {pace * 100:0} % of what its figures promise")
            : null;

    // What all nodes are off by alike is the model of cost's error, up to what that is known to be.
    private double Typical(string modelId, DateTimeOffset now)
    {
        var known = _paces.Where(entry => entry.Key.Model == modelId && now - entry.Value.LastAt <= Remembered).Select(entry => entry.Value.Middle).Order().ToList();
        return Math.Clamp(known[known.Count / 2], LeastTypical, MostTypical);
    }

    private void Add((string Model, string Node) key, double pace, NodeReport report, DateTimeOffset now)
    {
        var device = OfferRules.DeviceOf(report);
        if (!_paces.TryGetValue(key, out var paces) || paces.Device != device)
            _paces[key] = paces = new Paces { Device = device };
        paces.LastAt = now;
        paces.Newest.Enqueue(pace);
        if (paces.Newest.Count > Samples)
            paces.Newest.Dequeue();
    }

    // Null where another worker works or loads at this moment; else a number that changes with what they do.
    private static long? OthersOf(NodeStatus node, WorkerAssignment worker)
    {
        var others = node.Workers.Values.Where(report => report.Id != worker.Id).ToList();
        return others.Any(report => report.Figures.RunningRequests > 0 || report.State is WorkerState.Loading or WorkerState.Fetching)
            ? null
            // What nodes claim may be any number, and a sum of them may go round.
            : others.Aggregate(0L, (sum, report) => unchecked(
                sum + report.Work.RowsComputed + report.Work.RowsRebuilt + report.Decode.Steps + report.Figures.RequestsBegun));
    }

    private static NodeOffer Scaled(NodeOffer offer, double pace) => offer with
    {
        Report = offer.Report with
        {
            Devices =
            [
                .. offer.Report.Devices.Select(device => device with
                {
                    ReadBytesPerSecond = device.ReadBytesPerSecond * pace,
                    MultiplyAddsPerSecond = device.MultiplyAddsPerSecond * pace,
                }),
            ],
        },
    };
}
