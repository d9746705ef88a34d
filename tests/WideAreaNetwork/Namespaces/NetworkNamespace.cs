using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;

namespace Formation.Inference.WideAreaNetwork.Namespaces;

/// <summary>A network stack of its own, with a loopback and one TUN device. Whatever runs in it ends with it.</summary>
sealed class NetworkNamespace : IDisposable
{
    /// <summary>The largest packet, in bytes, as on an Ethernet.</summary>
    public const int MaximumTransmissionUnit = 1500;

    private const string Folder = "/run/netns";
    private const string Device = "wan0";

    private NetworkNamespace(string name) => Name = name;

    /// <summary>Its name, as <c>ip netns</c> knows it.</summary>
    public string Name { get; }

    /// <summary>Makes an empty one.</summary>
    /// <exception cref="InvalidOperationException">The system does not let this process make one; the message says why.</exception>
    public static NetworkNamespace Create(string name)
    {
        IpCommand.Run("netns", "add", name);
        return new NetworkNamespace(name);
    }

    /// <summary>Deletes the namespaces of processes that ended without doing so, with what still runs in them.</summary>
    public static void DeleteLeftovers()
    {
        if (!Directory.Exists(Folder))
            return;
        foreach (var name in Directory.EnumerateFiles(Folder).Select(path => Path.GetFileName(path)).ToList())
        {
            if (NamespaceOwner.OfName(name) is { Lives: false })
                new NetworkNamespace(name).Dispose();
        }
    }

    /// <summary>Whether a namespace has the name.</summary>
    public static bool Exists(string name) => File.Exists(Path.Combine(Folder, name));

    /// <summary>Opens a TUN device in it, without an address. The device lives as long as its file.</summary>
    public SafeFileHandle OpenTun() => new(Inside(() => SystemCalls.OpenTun("wan0"u8.ToArray())), ownsHandle: true);

    /// <summary>Gives the TUN device its address and takes all interfaces up.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="prefixBits">Bits of it that all nodes share.</param>
    public void Configure(IPAddress address, int prefixBits) => IpCommand.Run(
        ["-n", Name, "-batch", "-"],
        // A burst of a sender waits in the device until the forwarder comes to it; 500 packets, the default, are 0.7 MB.
        $"""
        link set dev lo up
        link set dev {Device} mtu {MaximumTransmissionUnit} txqueuelen 4096 addrgenmode none
        address add {address}/{prefixBits} dev {Device}
        link set dev {Device} up

        """);

    /// <summary>A TCP socket in it, which any thread may use.</summary>
    public Socket OpenTcpSocket() => new(new SafeSocketHandle(Inside(SystemCalls.OpenTcpSocket), ownsHandle: true));

    public void Dispose()
    {
        if (!Exists(Name))
            return;
        try
        {
            EndProcesses();
            IpCommand.Run("netns", "delete", Name);
        }
        catch (InvalidOperationException) when (!Exists(Name))
        {
            // Another process that deletes leftovers was faster.
        }
    }

    /// <summary>
    /// Runs a call on a thread that is in the namespace for this call alone and ends with it. The call makes system calls and nothing
    /// else: a thread that the runtime starts on its behalf would stay in the namespace for good.
    /// </summary>
    private int Inside(Func<int> call)
    {
        using var file = File.OpenHandle(Path.Combine(Folder, Name));
        var result = 0;
        ExceptionDispatchInfo? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                SystemCalls.EnterNetworkNamespace((int)file.DangerousGetHandle());
                result = call();
            }
            catch (Exception error)
            {
                failed = ExceptionDispatchInfo.Capture(error);
            }
        });
        thread.Start();
        thread.Join();
        failed?.Throw();
        return result;
    }

    // A server that outlives its network would wait for ever for packets that cannot come. Nobody else has business in the namespace.
    private void EndProcesses()
    {
        foreach (var line in IpCommand.Run("netns", "pids", Name).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var process = Process.GetProcessById(int.Parse(line, CultureInfo.InvariantCulture));
                process.Kill();
            }
            catch (Exception error) when (error is ArgumentException or InvalidOperationException or Win32Exception)
            {
                // It has ended by itself.
            }
        }
    }
}
