using System.Collections.Concurrent;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Cluster.Weights;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Weights;
using Formation.Inference.Node.Weights.Manifests;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The models of this server as deployments know them, and their weights as nodes fetch them. Safe to use from any thread.</summary>
/// <param name="models">The files.</param>
/// <param name="dataFolder">What was hashed once is kept there.</param>
/// <param name="clock">The clock.</param>
sealed class DeployableModels(ServedModels models, string dataFolder, TimeProvider clock) : IDisposable
{
    private readonly ManifestCache _manifests = new(Path.Combine(dataFolder, "manifests"), clock);
    private readonly ConcurrentDictionary<string, ModelFiles> _files = new(StringComparer.Ordinal);

    /// <inheritdoc cref="ReadModel"/>
    public async Task<DeployedModel?> ReadAsync(string modelId, string kvFormat, CancellationToken cancellationToken)
    {
        if (models.PathOf(modelId) is not { } path)
            return null;
        try
        {
            using var file = GgufFile.Open(path);
            var shape = ModelShapes.Of(file, modelId, kvFormat == "q8_0" ? KvFormat.Q8_0 : KvFormat.F16);
            var manifested = await _manifests.GetAsync(path, null, cancellationToken);
            Keep(manifested);
            return new DeployedModel(manifested.Manifest.Digest, path, File.GetLastWriteTimeUtc(path), shape) { Abilities = ModelAbilitiesReader.Read(file) };
        }
        catch (Exception error) when (IsFault(error))
        {
            throw new ArgumentException($"its file can't be used: {error.Message}", error);
        }
    }

    /// <summary>The weights of this digest, or null where nothing with it was deployed.</summary>
    public IServedModel? Find(string digest) => _files.GetValueOrDefault(digest);

    /// <summary>Opens the weights of what was deployed before this server started, or by another one meanwhile, until it is stopped.</summary>
    /// <param name="controller">Knows what is deployed.</param>
    /// <param name="isShared">Whether other gateways deploy, too: then a file may be there and not here.</param>
    /// <param name="note">Told of files that are gone or others than before.</param>
    /// <param name="stop">Ends it.</param>
    public async Task FollowAsync(DeploymentController controller, bool isShared, Action<string> note, CancellationToken stop)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                var version = controller.Version;
                var models = controller.List().Select(status => status.Deployment.Model).Where(model => seen.Add(model.Digest)).ToList();
                await RestoreAsync(isShared ? models.Where(model => File.Exists(model.Path)) : models, note, stop);
                await controller.WaitForChangeAsync(version, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task RestoreAsync(IEnumerable<DeployedModel> deployments, Action<string> note, CancellationToken cancellationToken)
    {
        foreach (var model in deployments)
        {
            try
            {
                var manifested = await _manifests.GetAsync(model.Path, null, cancellationToken);
                if (manifested.Manifest.Digest == model.Digest)
                    Keep(manifested);
                else
                    note($"{model.Path} is not the file any more that was deployed; 'form deploy' deploys what it is now.");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (IsFault(error))
            {
                note($"Nodes can't fetch what was deployed of {model.Path}: {error.Message}");
            }
        }
    }

    public void Dispose()
    {
        foreach (var files in _files.Values)
            files.Dispose();
    }

    private void Keep(ManifestedModel model) => _files.GetOrAdd(model.Manifest.Digest, _ => ModelFiles.Open(model.Manifest, model.Paths));

    private static bool IsFault(Exception error) =>
        error is GgufException or OverflowException or IOException or InvalidDataException or UnauthorizedAccessException;
}
