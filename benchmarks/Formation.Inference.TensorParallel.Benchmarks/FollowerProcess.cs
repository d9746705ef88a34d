using System.Net;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Groups;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.TensorParallel.Benchmarks;

/// <summary>A follower with one thread; says its port and key, and ends with its standard input.</summary>
static class FollowerProcess
{
    public static void Run(string path, int rank, int members, string leader)
    {
        using var identity = NodeIdentity.CreateInMemory(TimeProvider.System);
        using var file = GgufFile.Open(path);
        using var device = new CpuDevice(threads: 1);
        var layers = new LayerRange(0, ModelConfig.Read(file).LayerCount);
        var share = new TensorShare(rank, members);
        using var model = TransformerModel.LoadPart(file, new ModelPart(layers, HasEnds: false) { Share = share }, device);
        using var exchange = new FollowerExchange(share, layers);
        using var stage = model.CreateStage(layers, model.KvShape(layers, Bench.BlockCount), Bench.MaxRows, exchange);
        var known = PeerIdentity.Of(KeyPin.TryParse(leader, out var pin) ? pin : throw new ArgumentException("a pin is expected"));
        var credentials = new StageCredentials(identity.Certificate, peer => peer == known);
        var options = new StageServerOptions { Shape = Bench.Shape(model.Config), Exchange = exchange };
        using var server = new StageServer(stage, options, new StageDialer(credentials));
        using var listener = StageListener.Tls(new IPEndPoint(IPAddress.Loopback, 0), credentials, server.Accept);
        Console.WriteLine($"{listener.Port} {identity.Pin.Text}");
        while (Console.ReadLine() is not null)
        {
        }
    }
}
