using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;
using Formation.Inference.Testing.Models;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>Connections end when their ends please: what ends late must not cost those that have come since.</summary>
public sealed class LinkEndTests : IDisposable
{
    private const int Epochs = 100;

    private readonly TinyChain _stages = new(TinyModelOptions.Llama);
    private readonly ServedStage _stage;
    private int _position;

    public LinkEndTests() => _stage = _stages.Start(new LayerRange(1, _stages.Model.AllLayers.Count - 1));

    public void Dispose() => _stages.Dispose();

    [Fact]
    public void A_neighbour_that_ends_the_link_of_an_epoch_before_costs_the_next_epoch_nothing()
    {
        var hello = HostilePeer.Head(_stages, _stage.Endpoint.Layers);
        using var head = Say(hello);
        HostilePeer? before = null;
        for (uint epoch = 1; epoch <= Epochs; epoch++)
        {
            var link = Await(head, epoch);
            // It has noted the route already, and the stage may not have.
            before?.Dispose();
            before = Neighbour(hello, link);

            Assert.Equal(epoch, Done.Read(head.ExpectIn(epoch, FrameType.Done)).Operation);
            AssertComputes(head, before, epoch);
        }
        before!.Dispose();
    }

    [Fact]
    public void A_head_whose_end_is_seen_late_leaves_the_links_of_the_next_one_alone()
    {
        using var ended = new ManualResetEventSlim();
        using var seen = new ManualResetEventSlim();
        var first = Say(HostilePeer.Head(_stages, _stage.Endpoint.Layers));
        _stage.Ending = () =>
        {
            ended.Set();
            seen.Wait(TestContext.Current.CancellationToken);
        };
        first.Dispose();
        ended.Wait(TestContext.Current.CancellationToken);

        var hello = HostilePeer.Head(_stages, _stage.Endpoint.Layers);
        using var head = Say(hello);
        var link = Await(head, 1);
        head.Expect(FrameType.Done);
        using var neighbour = Neighbour(hello, link);
        _stage.Ending = static () => { };
        seen.Set();
        SpinWait.SpinUntil(() =>
        {
            lock (_stage.Endings)
                return _stage.Endings.Count == 1;
        });

        // The end of the first is done with when a batch after it is.
        for (var i = 0; i < 3; i++)
            AssertComputes(head, neighbour, 1);
    }

    private void AssertComputes(HostilePeer head, HostilePeer neighbour, uint epoch)
    {
        neighbour.SayRow(_position, sequence: 1, _position, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], epoch: epoch);
        _position++;
        head.ExpectIn(epoch, FrameType.Result);
    }

    private HostilePeer Say(Hello hello)
    {
        var peer = new HostilePeer(_stage.Endpoint.Address);
        peer.Say(frame => hello.Write(frame));
        peer.Expect(FrameType.Accept);
        return peer;
    }

    private HostilePeer Neighbour(Hello head, RouteLink link) =>
        Say(head with { Role = PeerRole.Upstream, Token = link.Token, Layers = new LayerRange(0, 1) });

    // A route on which a neighbour dials.
    private static RouteLink Await(HostilePeer head, uint epoch)
    {
        var link = new RouteLink(LinkMode.Await, Guid.NewGuid(), PeerIdentity.SameHost, "");
        head.Say(frame => new Route(epoch, link, RouteLink.Head, ActivationPrecision.F32).Write(frame, epoch));
        return link;
    }
}
