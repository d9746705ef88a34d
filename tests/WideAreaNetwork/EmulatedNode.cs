using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Formation.Inference.WideAreaNetwork.Namespaces;

namespace Formation.Inference.WideAreaNetwork;

/// <summary>One machine of an emulated network: a network namespace with an address of its own.</summary>
public sealed class EmulatedNode
{
    private readonly Lock _gate;
    private readonly NetworkNamespace _inside;
    private bool _refusesConnections;

    internal EmulatedNode(Lock gate, NetworkNamespace inside, IPAddress address)
    {
        _gate = gate;
        _inside = inside;
        Address = address;
    }

    /// <summary>The name of its namespace, as <c>ip netns</c> knows it.</summary>
    public string Name => _inside.Name;

    /// <summary>The address that the other nodes reach it at.</summary>
    public IPAddress Address { get; }

    /// <summary>
    /// Whether the node is as behind a translator of addresses (NAT): it dials out as before, and what others dial to it is dropped
    /// without a word. Connections that exist go on.
    /// </summary>
    public bool RefusesConnections
    {
        get
        {
            lock (_gate)
                return _refusesConnections;
        }
        set
        {
            lock (_gate)
                _refusesConnections = value;
        }
    }

    // The forwarder holds the gate.
    internal bool RefusesConnectionsNow => _refusesConnections;

    /// <summary>How to run a program on the node. The process is the program itself: its id and its end are the program's.</summary>
    public ProcessStartInfo Command(string program, params string[] arguments) => Enter(new ProcessStartInfo(program, arguments));

    /// <summary>Makes what would run on this machine run on the node, and gives it back. Its arguments are in its list, not in one string.</summary>
    public ProcessStartInfo Enter(ProcessStartInfo start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (start.Arguments.Length > 0)
            throw new ArgumentException("Give the arguments in ArgumentList: a string would have to be taken apart.", nameof(start));
        string[] inside = ["netns", "exec", Name, start.FileName];
        for (var i = 0; i < inside.Length; i++)
            start.ArgumentList.Insert(i, inside[i]);
        start.FileName = "ip";
        return start;
    }

    /// <summary>
    /// A TCP socket on the node, for this process: neither bound nor connected. So a test can dial, or listen, without a process of its own there.
    /// </summary>
    public Socket OpenTcpSocket() => _inside.OpenTcpSocket();

    /// <summary>What an HTTP client of this process sends its requests through, so that they come from the node. Host names are not looked up.</summary>
    public SocketsHttpHandler CreateHttpHandler() => new()
    {
        UseProxy = false,
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = OpenTcpSocket();
            try
            {
                socket.NoDelay = true;
                var address = IPAddress.Parse(context.DnsEndPoint.Host);
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancellationToken).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };
}
