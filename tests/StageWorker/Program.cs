using System.Globalization;
using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;

// A process of its own with one stage of a model on a Unix socket, for tests that kill it.
// Arguments: the file, the first layer, the number of layers, the socket, KV blocks, rows. It ends with its standard input.
var (path, socket) = (args[0], args[3]);
int[] numbers = [.. new[] { 1, 2, 4, 5 }.Select(index => int.Parse(args[index], CultureInfo.InvariantCulture))];
var (layers, blocks, rows) = (new LayerRange(numbers[0], numbers[1]), numbers[2], numbers[3]);

using var file = GgufFile.Open(path);
using var device = new CpuDevice(threads: 1);
using var model = TransformerModel.LoadPart(file, new ModelPart(layers, HasEnds: false), device);
using var stage = model.CreateStage(layers, model.KvShape(layers, blocks), rows);
var shape = new StageShape
{
    DeploymentId = "processes",
    ModelDigest = new string('0', 64),
    HiddenSize = model.Config.HiddenSize,
    MaxRows = rows,
    BlockCount = blocks,
    BlockSize = KvCacheShape.DefaultBlockSize,
};
using var server = new StageServer(stage, new StageServerOptions { Shape = shape }, new StageDialer());
using var listener = StageListener.Unix(socket, server.Accept);
Console.WriteLine("ready");
while (Console.ReadLine() is not null)
{
}
