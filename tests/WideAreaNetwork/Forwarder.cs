using System.Runtime.ExceptionServices;
using Formation.Inference.WideAreaNetwork.Links;
using Formation.Inference.WideAreaNetwork.Namespaces;
using Microsoft.Win32.SafeHandles;

namespace Formation.Inference.WideAreaNetwork;

/// <summary>
/// Carries packets between the TUN devices of the nodes: one thread, which waits for the devices and for the next packet that is due
/// in one system call. It does not own the devices.
/// </summary>
sealed class Forwarder : IDisposable
{
    // Bounds what waits: a line without a rate and with a long delay would take all memory.
    private const int MaxPackets = 1 << 16;

    // Reads of one device before the others and what is due get their turn.
    private const int PacketsPerTurn = 64;

    private const long LongestWait = 50_000_000;

    // Nanoseconds after a turn with packets in which the next ones gather, as network cards do it. At 200 Mbit/s a packet comes every
    // 60 us: without it, nearly each costs two wake-ups of its own, and a third more time of the processor in all.
    private const long Gathering = 100_000;

    private readonly Lock _gate;
    private readonly SafeFileHandle[] _devices;
    private readonly SystemCalls.PollFile[] _files;
    private readonly EmulatedLink[,] _links;
    private readonly Func<int, bool> _isBehindTranslator;
    private readonly TimeProvider _clock;
    private readonly PriorityQueue<Packet, (long Due, long Order)> _onTheirWay = new();
    private readonly Stack<byte[]> _buffers = new();
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failed;
    private long _order;
    private volatile bool _stopping;

    /// <param name="gate">Held while packets are handled: what links and nodes are like is changed under it.</param>
    /// <param name="devices">The TUN device of each node.</param>
    /// <param name="links">From each node to each.</param>
    /// <param name="isBehindTranslator">Whether connections to a node are refused; asked under the gate.</param>
    /// <param name="clock">Tells the time to less than a microsecond.</param>
    public Forwarder(Lock gate, SafeFileHandle[] devices, EmulatedLink[,] links, Func<int, bool> isBehindTranslator, TimeProvider clock)
    {
        _gate = gate;
        _devices = devices;
        _links = links;
        _isBehindTranslator = isBehindTranslator;
        _clock = clock;
        _files = [.. devices.Select(device => new SystemCalls.PollFile { File = (int)device.DangerousGetHandle(), Events = SystemCalls.Readable })];
        _thread = new Thread(Run) { IsBackground = true, Name = "wide area network" };
        _thread.Start();
    }

    private long Now => (long)(_clock.GetTimestamp() * (1e9 / _clock.TimestampFrequency));

    /// <summary>Stops; packets on their way are lost. Throws what has stopped it before, if anything has.</summary>
    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
        _failed?.Throw();
    }

    private void Run()
    {
        try
        {
            SystemCalls.BecomePrompt();
            while (!_stopping)
            {
                SystemCalls.Poll(_files, UntilNext());
                if (Turn())
                    SystemCalls.Poll([], Gathering);
            }
        }
        catch (Exception error)
        {
            _failed = ExceptionDispatchInfo.Capture(error);
        }
    }

    private bool Turn()
    {
        lock (_gate)
        {
            var handled = false;
            for (var from = 0; from < _files.Length; from++)
                handled |= Collect(from);
            return Deliver() || handled;
        }
    }

    private long UntilNext() => _onTheirWay.TryPeek(out _, out var next) ? Math.Clamp(next.Due - Now, 0, LongestWait) : LongestWait;

    private bool Collect(int from)
    {
        ref var file = ref _files[from];
        if ((file.Happened & SystemCalls.Failed) != 0)
            file.File = -1;
        if ((file.Happened & SystemCalls.Readable) == 0)
            return false;
        for (var i = 0; i < PacketsPerTurn; i++)
        {
            var buffer = _buffers.TryPop(out var used) ? used : new byte[NetworkNamespace.MaximumTransmissionUnit];
            var count = SystemCalls.Read(_devices[from], buffer);
            if (count <= 0 || !Admit(from, buffer, count))
                _buffers.Push(buffer);
            if (count <= 0)
                return i > 0;
        }
        return true;
    }

    private bool Admit(int from, byte[] buffer, int count)
    {
        var to = Ipv4Packet.NodeOf(buffer.AsSpan(0, count));
        if (to < 0 || to >= _devices.Length)
            return false;
        var link = _links[from, to];
        if (_onTheirWay.Count >= MaxPackets)
        {
            link.DropOverflow();
            return false;
        }
        var due = link.Admit(Now, count);
        if (due == EmulatedLink.Dropped)
            return false;
        // Of two that are due together the earlier goes first: a line does not change their order.
        _onTheirWay.Enqueue(new Packet(buffer, count, link, to), (due, _order++));
        return true;
    }

    private bool Deliver()
    {
        var delivered = false;
        while (_onTheirWay.TryPeek(out var packet, out var next) && next.Due <= Now)
        {
            _onTheirWay.Dequeue();
            var refused = _isBehindTranslator(packet.To) && Ipv4Packet.OpensConnection(packet.Buffer.AsSpan(0, packet.Count));
            if (packet.Link.Arrives(packet.Count, refused))
                _ = SystemCalls.Write(_devices[packet.To], packet.Buffer, packet.Count);
            _buffers.Push(packet.Buffer);
            delivered = true;
        }
        return delivered;
    }

    private readonly record struct Packet(byte[] Buffer, int Count, EmulatedLink Link, int To);
}
