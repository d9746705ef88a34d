using System.Security.Cryptography;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Connections;
using Formation.Inference.Node.Stages.Transports;
using Formation.Inference.Node.Stages.Wire;

namespace Formation.Inference.Node.Stages.Chain;

/// <summary>
/// Makes a chain whole: finds stages for the layers that have none, links all neighbours in a new epoch, and has each new stage rebuilt
/// from what was sent to its predecessor, the first of them first. At the start of a chain all layers have none.
/// </summary>
internal sealed class ChainRecovery(
    RemoteChain chain, RemoteChainOptions options, IStageProvider provider, IStageDialer dialer, TimeProvider time)
{
    uint _wholeEpoch;
    uint _operation;
    int _inFlight;

    /// <summary>Names this head's run.</summary>
    public Guid Session { get; } = NewSecret();

    /// <summary>Batches that may be under way; agreed with every stage, so it stays what it was at the start.</summary>
    public int InFlight => Math.Max(1, _inFlight);

    /// <exception cref="StageLostException">
    /// There are no stages for some layers, or no arrangement worked within the number of attempts.
    /// </exception>
    public async Task RunAsync(IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        var failed = new List<LostStage>();
        for (var attempt = 1; attempt <= options.MaxRecoveryAttempts; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (await TryRunAsync(sequences, failed, cancellationToken).ConfigureAwait(false))
                    return;
            }
            catch (StageLostException loss)
            {
                options.OnEvent($"attempt {attempt} of {options.MaxRecoveryAttempts} to recover: {loss.Message}");
            }
            catch (NoStageException none)
            {
                throw new StageLostException(none.Layers, none.Message);
            }
        }
        throw new StageLostException(options.Layers, $"stages were lost in each of {options.MaxRecoveryAttempts} attempts to recover");
    }

    static Guid NewSecret() => new(RandomNumberGenerator.GetBytes(16));

    async Task<bool> TryRunAsync(IReadOnlyList<StoredSequence> sequences, List<LostStage> failed, CancellationToken cancellationToken)
    {
        var old = chain.Members;
        var members = await ArrangeAsync(old, failed, cancellationToken).ConfigureAwait(false);
        var epoch = await LinkAsync(members, cancellationToken).ConfigureAwait(false);
        await RebuildAsync(members, epoch, sequences, cancellationToken).ConfigureAwait(false);
        if (!chain.TryEndRecovery())
            return false;
        _wholeEpoch = epoch;
        foreach (var replaced in old.Except(members))
            replaced.Connection.Close("another stage has its layers");
        options.OnEvent($"{options.Layers} are served by {string.Join(", ", members.Select(member => member.Endpoint.Name))}");
        return true;
    }

    /// <summary>The stages that stay, and connections to new ones in the gaps between them.</summary>
    async Task<ChainMember[]> ArrangeAsync(ChainMember[] old, List<LostStage> failed, CancellationToken cancellationToken)
    {
        var members = new List<ChainMember>();
        var added = new List<ChainMember>();
        try
        {
            var next = options.Layers.First;
            foreach (var stays in old.Where(member => member is { Loss: null, Draining: null }))
            {
                await FillAsync(new LayerRange(next, stays.Endpoint.Layers.First - next)).ConfigureAwait(false);
                members.Add(stays);
                next = stays.Endpoint.Layers.End;
            }
            await FillAsync(new LayerRange(next, options.Layers.End - next)).ConfigureAwait(false);
            return [.. members];
        }
        catch
        {
            added.ForEach(member => member.Connection.Close("the chain is arranged anew"));
            throw;
        }

        async Task FillAsync(LayerRange gap)
        {
            if (gap.Count == 0)
                return;
            var endpoints = await FindAsync(gap, old, failed, cancellationToken).ConfigureAwait(false);
            if (endpoints.Count == 0)
            {
                members.AddRange(KeepLeaving(gap, old));
                return;
            }
            if (_inFlight == 0)
                _inFlight = Math.Clamp(endpoints.Count + options.ExtraDepth, 1, StageProtocol.MaxInFlight);
            foreach (var endpoint in endpoints)
            {
                added.Add(await ConnectAsync(endpoint, old, failed, cancellationToken).ConfigureAwait(false));
                members.Add(added[^1]);
            }
        }
    }

    async Task<IReadOnlyList<StageEndpoint>> FindAsync(
        LayerRange gap, ChainMember[] old, List<LostStage> failed, CancellationToken cancellationToken)
    {
        var lost = old.Where(member => member.Loss is not null || member.Draining is not null)
            .Select(member => new LostStage(member.Endpoint, member.Loss ?? member.Draining!)
            {
                IsUnreachable = member.Connection.WasSilent,
                IsLeaving = member.Loss is null,
            })
            .Concat(failed)
            .Where(stage => stage.Endpoint.Layers.First < gap.End && gap.First < stage.Endpoint.Layers.End)
            .ToList();
        var endpoints = await provider.ProvideAsync(gap, lost, cancellationToken).ConfigureAwait(false);
        var next = gap.First;
        foreach (var endpoint in endpoints)
        {
            if (endpoint.Layers.First != next || endpoint.Layers.Count < 1)
                throw new NoStageException(gap, $"{endpoint.Name} was offered with {endpoint.Layers} where layer {next} is next");
            next = endpoint.Layers.End;
        }
        return next == gap.End || endpoints.Count == 0
            ? endpoints
            : throw new NoStageException(gap, $"stages were offered for layers {gap.First}-{next - 1} alone");
    }

    /// <summary>Where nobody takes a leaving stage's place, it stays as long as it can.</summary>
    ChainMember[] KeepLeaving(LayerRange gap, ChainMember[] old)
    {
        var leaving = old.Where(member => member.Loss is null)
            .Where(member => member.Endpoint.Layers.First >= gap.First && member.Endpoint.Layers.End <= gap.End)
            .ToArray();
        if (leaving.Sum(member => member.Endpoint.Layers.Count) != gap.Count)
            throw new NoStageException(gap, "there is no other stage that has them");
        chain.Change(() => Array.ForEach(leaving, member => member.Draining = null));
        return leaving;
    }

    async Task<ChainMember> ConnectAsync(
        StageEndpoint endpoint, ChainMember[] old, List<LostStage> failed, CancellationToken cancellationToken)
    {
        StageConnection? connection = null;
        try
        {
            var channel = await dialer.DialAsync(endpoint.Address, endpoint.Identity, cancellationToken).ConfigureAwait(false);
            connection = new StageConnection(channel, time, options.Heartbeat);
            var hello = HelloTo(endpoint);
            var accept = await Task.Run(() => StageHandshake.Dial(connection, options.HandshakeTimeout, hello), cancellationToken)
                .ConfigureAwait(false);
            connection.Start(chain, $"chain {endpoint.Layers}", options.Shape.MaxPayload);

            // A stage that only its connection was lost of has missed nothing that counts; one that sent nonsense may hold nonsense.
            var isFaulty = old.Any(member => member.IsFaulty && member.Endpoint.Address == endpoint.Address);
            return new ChainMember(endpoint, connection)
            {
                TakesTraces = accept.TakesTraces,
                NeedsRebuild = isFaulty || _wholeEpoch == 0 || accept.HeldEpoch != _wholeEpoch,
            };
        }
        catch (Exception failure) when (failure is StageConnectException or StageProtocolException)
        {
            connection?.Dispose();
            failed.Add(new LostStage(endpoint, failure.Message) { IsUnreachable = true });
            throw new StageLostException(endpoint.Layers, $"{endpoint.Name} can't be had: {failure.Message}", failure);
        }
        catch
        {
            connection?.Dispose();
            throw;
        }
    }

    Hello HelloTo(StageEndpoint endpoint)
    {
        // What the head keeps for the first stage can be sent again in the precision alone in which it was kept.
        var kept = endpoint.Layers.First == options.Layers.First ? chain.StorePrecision : ActivationPrecision.None;
        return new Hello
        {
            Role = PeerRole.Head,
            Session = Session,
            Layers = endpoint.Layers,
            Offered = kept != ActivationPrecision.None ? kept : options.Precision | ActivationPrecision.F32,
            Preferred = kept != ActivationPrecision.None ? kept : options.Precision,
            InFlight = InFlight,
            Shape = options.Shape,
        };
    }

    /// <summary>Tells each stage its neighbours, and waits until all of them are linked.</summary>
    async Task<uint> LinkAsync(ChainMember[] members, CancellationToken cancellationToken)
    {
        chain.Change(() =>
        {
            for (var i = 1; i < members.Length; i++)
            {
                if (members[i].LinkedTo == members[i - 1])
                    continue;
                members[i].LinkToken = NewSecret();
                members[i].LinkedTo = members[i - 1];
            }
        });
        var epoch = chain.BeginEpoch(members);
        var frame = new FrameBuffer();
        var done = new List<Task<Done>>();
        for (var i = 0; i < members.Length; i++)
        {
            var operation = ++_operation;
            done.Add(chain.Expect(operation));
            new Route(operation, Upstream(members, i), Downstream(members, i), options.Precision).Write(frame, epoch);
            members[i].Connection.Send(frame);
        }
        var answers = await Task.WhenAll(done).WaitAsync(cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < members.Length; i++)
        {
            if (answers[i].Code == StageErrorCode.None)
                continue;

            // The neighbour that was dialled is the one that can't be reached.
            var isDownstream = i + 1 < members.Length && Downstream(members, i).Mode == LinkMode.Dial;
            var neighbour = members[isDownstream ? i + 1 : Math.Max(0, i - 1)];
            var reason = $"{members[i].Endpoint.Name} can't link to it: {answers[i].Reason}";
            chain.Change(() => chain.Lose(neighbour, reason, isFault: false));
            throw new StageLostException(neighbour.Endpoint.Layers, reason);
        }
        return epoch;
    }

    async Task RebuildAsync(
        ChainMember[] members, uint epoch, IReadOnlyList<StoredSequence> sequences, CancellationToken cancellationToken)
    {
        for (var i = 0; i < members.Length; i++)
        {
            var member = members[i];
            if (!member.NeedsRebuild)
                continue;
            if (sequences.Count > 0)
            {
                var operation = ++_operation;
                var rebuilt = chain.Expect(operation);
                await SendReplayAsync(members, i, epoch, operation, sequences).ConfigureAwait(false);
                var answer = await rebuilt.WaitAsync(cancellationToken).ConfigureAwait(false);
                if (answer.Code != StageErrorCode.None)
                {
                    var reason = $"it could not be rebuilt: {answer.Reason}";
                    chain.Change(() => chain.Lose(member, reason, isFault: true));
                    throw new StageLostException(member.Endpoint.Layers, reason);
                }
                options.OnEvent($"{member.Endpoint.Name}: {answer.Rows} positions of {sequences.Count} sequences were rebuilt");
            }
            chain.Change(() => member.NeedsRebuild = false);
        }
    }

    Task SendReplayAsync(ChainMember[] members, int index, uint epoch, uint operation, IReadOnlyList<StoredSequence> sequences)
    {
        if (index == 0)
            return Task.Run(() => chain.ReplayFirst(operation, epoch, sequences));
        var frame = new FrameBuffer();
        ReplayFrame.Write(frame, epoch, operation, sequences);
        members[index - 1].Connection.Send(frame);
        return Task.CompletedTask;
    }

    static RouteLink Upstream(ChainMember[] members, int index)
    {
        if (index == 0)
            return RouteLink.Head;
        var (before, own) = (members[index - 1].Endpoint, members[index].Endpoint);
        return own.AcceptsLinks
            ? new RouteLink(LinkMode.Await, members[index].LinkToken, before.Identity, "")
            : new RouteLink(LinkMode.Dial, members[index].LinkToken, before.Identity, before.Address);
    }

    static RouteLink Downstream(ChainMember[] members, int index)
    {
        if (index == members.Length - 1)
            return RouteLink.Head;
        var next = members[index + 1];
        return next.Endpoint.AcceptsLinks
            ? new RouteLink(LinkMode.Dial, next.LinkToken, next.Endpoint.Identity, next.Endpoint.Address)
            : new RouteLink(LinkMode.Await, next.LinkToken, next.Endpoint.Identity, "");
    }

    /// <summary>There is no use in another attempt.</summary>
    sealed class NoStageException(LayerRange layers, string reason) : Exception(reason)
    {
        public LayerRange Layers => layers;
    }
}
