using System.Collections.Concurrent;
using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.Tests.Amx.Emulation;

/// <summary>Runs the machine code of the passes in the emulator, with no more memory than the product may touch.</summary>
internal sealed unsafe class EmulatedTileKernel : ITileKernel
{
    private static readonly byte[][] Code = [.. TilePassShape.All.Select(TilePassCode.Assemble)];

    private readonly ConcurrentBag<(MemoryRegion Region, bool Writable)> _memory = [];
    private int _products;

    /// <summary>Multiplying instructions that ran.</summary>
    internal int Products => _products;

    /// <summary>The shapes that ran.</summary>
    internal ConcurrentDictionary<TilePassShape, int> Passes { get; } = [];

    internal void Allow(MemoryRegion region, bool writable) => _memory.Add((region, writable));

    public void Run(TilePassShape shape, TilePass* pass)
    {
        var memory = new EmulatedMemory();
        foreach (var (region, writable) in _memory)
            memory.Allow(region.Pointer, region.Length, writable);
        memory.Allow(pass, sizeof(TilePass), writable: false);
        memory.Allow(pass->Configuration, sizeof(TileConfiguration), writable: false);
        var processor = new EmulatedProcessor(Code[shape.Index], memory);
        processor.Call(pass);
        Interlocked.Add(ref _products, processor.Tiles.Products);
        Passes.AddOrUpdate(shape, 1, (_, count) => count + 1);
    }
}
