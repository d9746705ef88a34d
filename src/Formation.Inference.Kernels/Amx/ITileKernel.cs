namespace Formation.Inference.Kernels.Amx;

/// <summary>Runs passes: the matrix unit, or in tests what takes its place.</summary>
internal unsafe interface ITileKernel
{
    /// <summary>
    /// Multiplies the rows and strips of a pass. The thread has to be fit for tiles, see <see cref="Threading.TileThread"/>.
    /// </summary>
    void Run(TilePassShape shape, TilePass* pass);
}
