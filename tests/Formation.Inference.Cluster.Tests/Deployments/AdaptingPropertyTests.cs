using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Deployments.Adapting;
using Formation.Inference.Cluster.Workers;

namespace Formation.Inference.Cluster.Tests.Deployments;

/// <summary>
/// Hours of a cluster in which nodes join, are lost, come back, are drained, slow down and speed up by chance, while demand comes and goes. Whatever
/// is decided, no stream's replica is ended while the machine of its head lives, and the number of replicas stays in its bounds.
/// </summary>
public sealed class AdaptingPropertyTests
{
    private const int Min = 1;
    private const int Max = 3;
    private const int Looks = 3000;

    [Theory, MemberData(nameof(Seeds))]
    public void No_live_streams_replica_is_ended_and_replicas_stay_in_their_bounds(int seed) => new Life(seed).Run();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    [Fact]
    public void What_happens_in_these_lives_is_all_that_can_be_decided()
    {
        var kinds = Seeds.SelectMany(seed => new Life(seed).Run()).Select(note => note[..note.IndexOf(':', StringComparison.Ordinal)]).ToHashSet(StringComparer.Ordinal);

        Assert.Superset(new HashSet<string> { "growing", "shrinking", "ended", "moving", "handing-over", "moved", "replaced", "placed-anew" }, kinds);
    }

    private sealed class Life
    {
        // Requests at a look; a stream lasts 40 looks on average.
        private static readonly double[] Demands = [0, 0.05, 0.08, 1, 1];

        private readonly Random _random;
        private readonly InventedCluster _cluster;
        private readonly Dictionary<string, int> _streams = new(StringComparer.Ordinal);
        private readonly List<string> _nodes = [];
        private double _arrivals = 1;
        private int _waiting;

        public Life(int seed)
        {
            _random = new Random(seed);
            _cluster = new InventedCluster();
            for (var i = 0; i < 4; i++)
                Join();
            _cluster.AskFor(spec => spec with
            {
                Replicas = new ReplicaRange(Min, Max),
                Placement = spec.Placement with { Replicas = Min, Concurrency = 4 },
            });
        }

        public IReadOnlyList<string> Run()
        {
            for (var look = 0; look < Looks; look++)
            {
                if (_random.Next(80) == 0)
                    Disturb();
                Report();
                Serve();
                var before = _cluster.Deployment.Replicas;
                _cluster.Step();
                Check(before);
                _cluster.Now += _cluster.Look;
            }
            return _cluster.Notes;
        }

        private void Join()
        {
            _nodes.Add($"n{_nodes.Count}");
            _cluster.Add(_nodes[^1], _random.Next(250, 900), gigabytes: _random.Next(5, 40));
        }

        private void Disturb()
        {
            var node = _nodes[_random.Next(_nodes.Count)];
            switch (_random.Next(9))
            {
                case 0 when _nodes.Count < 7:
                    Join();
                    break;
                case 1:
                    _cluster.Become(node, NodeState.Lost);
                    break;
                case 2 or 3:
                    _cluster.Become(node, NodeState.Online);
                    break;
                case 4:
                    _cluster.Speed(node, _random.Next(1, 60));
                    break;
                case 5:
                    _cluster.Drain(node, _random.Next(2) == 0);
                    break;
                default:
                    _arrivals = Demands[_random.Next(Demands.Length)];
                    break;
            }
        }

        // New workers take a while; a head that leaves lets its streams go.
        private void Report()
        {
            foreach (var worker in _cluster.Deployment.Workers)
                if (_cluster.Has(worker.Node) && _cluster.View.ReportOf(worker) is not { State: WorkerState.Ready or WorkerState.Waiting } && _random.Next(3) == 0)
                    _cluster.Say(worker, WorkerState.Ready);
            foreach (var replica in _cluster.Deployment.Replicas)
            {
                if (replica.Head is not { } head || _cluster.View.ReportOf(head) is null)
                    continue;
                if (head.IsLeaving)
                {
                    _waiting += _streams.GetValueOrDefault(replica.Id);
                    _streams[replica.Id] = 0;
                    _cluster.LetGo(replica);
                }
                else if (_cluster.View.ReportOf(head) is { State: WorkerState.Ready })
                {
                    _cluster.Work(replica, _streams.GetValueOrDefault(replica.Id));
                }
            }
        }

        // What gateways do: requests go to replicas that are ready; those of lost heads are asked of others.
        private void Serve()
        {
            var ready = DeployedReplicas.ReplicasOf(DeploymentStatus.Of(_cluster.Deployment, _cluster.View)).Where(replica => replica.IsReady).ToList();
            foreach (var replica in _streams.Keys.Where(id => _cluster.Deployment.Replicas.All(known => known.Id != id || !IsHeadAlive(known))).ToList())
            {
                _waiting += _streams[replica];
                _streams[replica] = 0;
            }
            for (_waiting += _random.NextDouble() < _arrivals ? 1 : 0; ready.Count > 0 && _waiting > 0; _waiting--)
            {
                var chosen = ready[_random.Next(ready.Count)].Id;
                _streams[chosen] = _streams.GetValueOrDefault(chosen) + 1;
            }
            foreach (var id in _streams.Keys.ToList())
                for (var i = _streams[id]; i > 0; i--)
                    if (_random.Next(40) == 0)
                        _streams[id]--;
        }

        private void Check(IReadOnlyList<ReplicaAssignment> before)
        {
            var after = _cluster.Deployment.Replicas;
            foreach (var ended in before.Where(replica => after.All(other => other.Id != replica.Id)))
                Assert.True(_streams.GetValueOrDefault(ended.Id) == 0 || !IsHeadAlive(ended), $"{ended.Id} was ended with {_streams.GetValueOrDefault(ended.Id)} streams");
            if (after.Count == 0)
                return;
            Assert.InRange(after.Count(replica => replica is { Retiring: null, Replaces: null }), Min, Max);
            Assert.InRange(after.Count, Min, Max + 1);
        }

        private bool IsHeadAlive(ReplicaAssignment replica) => replica.Head is { } head && _cluster.View.ReportOf(head) is not null;
    }
}
