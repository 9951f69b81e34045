// The objects behind handles.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sim {

template <class Handle, class Object>
class Registry {
public:
    // The numbers 0 to 2 are streams of CUDA's; all of a kind begin at `first`, so that kinds differ.
    explicit Registry(unsigned long long first) : next_(first) {}

    Handle add(std::shared_ptr<Object> object) {
        std::lock_guard<std::mutex> lock(mutex_);
        Handle handle = reinterpret_cast<Handle>(next_);
        next_ += 16;
        objects_.emplace(handle, std::move(object));
        return handle;
    }

    // Null where the handle is unknown or its object destroyed.
    std::shared_ptr<Object> find(Handle handle) const {
        std::lock_guard<std::mutex> lock(mutex_);
        auto found = objects_.find(handle);
        return found == objects_.end() ? nullptr : found->second;
    }

    std::shared_ptr<Object> remove(Handle handle) {
        std::lock_guard<std::mutex> lock(mutex_);
        auto found = objects_.find(handle);
        if (found == objects_.end()) return nullptr;
        std::shared_ptr<Object> object = std::move(found->second);
        objects_.erase(found);
        return object;
    }

    std::vector<std::shared_ptr<Object>> all() const {
        std::lock_guard<std::mutex> lock(mutex_);
        std::vector<std::shared_ptr<Object>> objects;
        for (const auto& entry : objects_) objects.push_back(entry.second);
        return objects;
    }

private:
    mutable std::mutex mutex_;
    std::unordered_map<Handle, std::shared_ptr<Object>> objects_;
    unsigned long long next_;
};

}  // namespace sim
